package peft

import (
	"path/filepath"
	"regexp"
)

// cached is a model's place in Hugging Face's cache: models--OWNER--NAME/snapshots/REVISION.
var cached = regexp.MustCompile(`(?:^|[/\\])models--([^/\\]+?)(?:--([^/\\]+))?[/\\]snapshots[/\\]([^/\\]+)$`)

// HubName is the name on the hub of the model in dir, and its revision, where dir is a snapshot in Hugging Face's cache or a link to one;
// else both are empty: no other directory tells.
func HubName(dir string) (id, revision string) {
	if dir == "" {
		return "", ""
	}
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		real = dir
	}
	for _, d := range []string{dir, real} {
		m := cached.FindStringSubmatch(d)
		switch {
		case m == nil:
		case m[2] == "": // a model of the hub's first days has no owner
			return m[1], m[3]
		default:
			return m[1] + "/" + m[2], m[3]
		}
	}
	return "", ""
}
