package peft

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/dlclark/regexp2"
)

// expression is a regular expression of Python's, which has lookaround: configs of PEFT use it to leave modules out.
type expression struct {
	re *regexp2.Regexp
	of string // setting and text, for messages
	// fault is why it was given up: it is not tried again, since every path would take as long, and what it has not matched is not known.
	fault error
}

// patience bounds one match.
const patience = time.Second

// backReference is Python's spelling of a group recalled by name.
var backReference = regexp.MustCompile(`\(\?P=(\w+)\)`)

// compile makes an expression over whole paths, after a part that may come before it. setting names it in messages.
func compile(setting, before, text string) (*expression, error) {
	dotnet := backReference.ReplaceAllString(strings.ReplaceAll(text, "(?P<", "(?<"), `\k<$1>`)
	re, err := regexp2.Compile(`\A`+before+`(?:`+dotnet+`)\z`, regexp2.None)
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", setting, text, err)
	}
	re.MatchTimeout = patience
	return &expression{re: re, of: fmt.Sprintf("%s %q", setting, text)}, nil
}

func (e *expression) match(path string) bool {
	if e.fault != nil {
		return false
	}
	ok, err := e.re.MatchString(path)
	if err != nil {
		e.fault = fmt.Errorf("%s: given up at %s after %v: write it without repetitions inside repetitions", e.of, path, patience)
	}
	return ok && err == nil
}
