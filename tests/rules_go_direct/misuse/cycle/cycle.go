// Package cycle is tested.
package cycle
