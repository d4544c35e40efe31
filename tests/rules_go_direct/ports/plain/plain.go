// Package plain is for all other processors.
package plain

// Level names the level.
const Level = "plain "
