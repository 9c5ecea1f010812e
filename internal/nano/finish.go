package nano

import (
	"regexp"
	"strings"
)

var (
	spaces        = regexp.MustCompile(` +`)
	article       = regexp.MustCompile(`\b([Aa]) ([aeiou])`)
	exclamation   = regexp.MustCompile(`((?:^|[.!?] )[Ww]hat an? [^.!?]*)\.`)
	sentenceStart = regexp.MustCompile(`(^|[.!?] |\." )["']?[a-z]`)
)

// finish makes the surface right: single spaces, "an" before a vowel, capitals
// where sentences start, and a mark of exclamation
// after "What a day". After a question in quotes ("Is it?" he asked) the
// sentence goes on, so there the template's own case stays.
func finish(text string) string {
	text = spaces.ReplaceAllString(strings.TrimSpace(text), " ")
	text = article.ReplaceAllString(text, "${1}n $2")
	text = exclamation.ReplaceAllString(text, "$1!")
	return sentenceStart.ReplaceAllStringFunc(text, func(m string) string {
		return m[:len(m)-1] + strings.ToUpper(m[len(m)-1:])
	})
}
