// Package lint holds the house rules as tests: layers, package comments, file sizes, shader headers, and what no file may contain.
//
// Each exception stands in a table here with its reason, so that a new one is a visible change.
package lint
