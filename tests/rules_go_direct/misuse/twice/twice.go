// Package twice is there twice.
package twice
