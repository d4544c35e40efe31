// Package user imports it.
package user

import _ "example.com/misuse/twice"
