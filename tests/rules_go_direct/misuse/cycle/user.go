// Package user needs it.
package user

import _ "example.com/misuse/cycle"
