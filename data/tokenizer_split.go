package data

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2"
)

// span is a stretch [from, to) of a string; hit says the pattern matched it.
type span struct {
	from, to int
	hit      bool
}

// regexLimit bounds one search, so that a bad pattern cannot hang a run. Only
// tests change it.
var regexLimit = 10 * time.Second

// compileRegex compiles a pattern of a tokenizer.json. Its dialect is
// Oniguruma's; what these files use of it means the same here.
func compileRegex(p string) (*regexp2.Regexp, error) {
	re, err := regexp2.Compile(p, regexp2.None)
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w", p, err)
	}
	re.MatchTimeout = regexLimit
	return re, nil
}

// parseSplit builds the "Split" pre-tokenizer.
func parseSplit(raw json.RawMessage, fault *faultBox) (preTokenizer, error) {
	p := struct {
		Pattern  pattern `json:"pattern"`
		Behavior string  `json:"behavior"`
		Invert   bool    `json:"invert"`
	}{}
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, err
	}
	if err := checkBehavior(p.Behavior); err != nil {
		return nil, err
	}
	var find func(string) []span
	switch {
	case p.Pattern.String != nil && *p.Pattern.String != "":
		lit := *p.Pattern.String
		find = func(s string) []span { return literalMatches(s, lit) }
	case p.Pattern.Regex != nil && *p.Pattern.Regex == gpt2Pattern:
		find = func(s string) []span { return wholeSpans(gpt2Split(s)) }
	case p.Pattern.Regex != nil:
		re, err := compileRegex(*p.Pattern.Regex)
		if err != nil {
			return nil, err
		}
		find = func(s string) []span { return regexMatches(re, s, fault) }
	default:
		return nil, fmt.Errorf("Split without a pattern")
	}
	return perPiece(func(s string) []string {
		spans := find(s)
		if p.Invert {
			for i := range spans {
				spans[i].hit = !spans[i].hit
			}
		}
		return cut(s, spans, p.Behavior)
	}), nil
}

func checkBehavior(b string) error {
	if !slices.Contains([]string{"Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"}, b) {
		return fmt.Errorf("behavior %q is not known", b)
	}
	return nil
}

// runeMatches marks each rune for which f holds as a match of its own.
func runeMatches(s string, f func(rune) bool) []span {
	var out []span
	from := 0
	for i, r := range s {
		if !f(r) {
			continue
		}
		if from < i {
			out = append(out, span{from, i, false})
		}
		from = i + utf8.RuneLen(r)
		out = append(out, span{i, from, true})
	}
	if from < len(s) {
		out = append(out, span{from, len(s), false})
	}
	return out
}

func literalMatches(s, lit string) []span {
	var out []span
	from := 0
	for {
		i := strings.Index(s[from:], lit)
		if i < 0 {
			break
		}
		if i > 0 {
			out = append(out, span{from, from + i, false})
		}
		out = append(out, span{from + i, from + i + len(lit), true})
		from += i + len(lit)
	}
	if from < len(s) {
		out = append(out, span{from, len(s), false})
	}
	return out
}

// regexMatches finds all matches. Past the time limit the rest of s is one piece
// and the tokenizer's Err says so.
func regexMatches(re *regexp2.Regexp, s string, fault *faultBox) []span {
	var out []span
	from, rune0, at := 0, 0, 0 // byte offset done; rune and byte position walked to
	seek := func(r int) int {
		for rune0 < r {
			_, n := utf8.DecodeRuneInString(s[at:])
			at += n
			rune0++
		}
		return at
	}
	m, err := re.FindStringMatch(s)
	for ; m != nil && err == nil; m, err = re.FindNextMatch(m) {
		if m.Length == 0 {
			continue
		}
		a := seek(m.Index)
		b := seek(m.Index + m.Length)
		if from < a {
			out = append(out, span{from, a, false})
		}
		out = append(out, span{a, b, true})
		from = b
	}
	if err != nil {
		fault.set(fmt.Errorf("tokenizer pattern on a text of %d bytes: %w", len(s), err))
	}
	if from < len(s) {
		out = append(out, span{from, len(s), false})
	}
	return out
}

func wholeSpans(parts []string) []span {
	out := make([]span, len(parts))
	at := 0
	for i, p := range parts {
		out[i] = span{at, at + len(p), true}
		at += len(p)
	}
	return out
}

// cut applies a split behaviour to the spans that cover s.
func cut(s string, spans []span, behavior string) []string {
	var kept []span
	prev := false
	switch behavior {
	case "Removed":
		for _, x := range spans {
			if !x.hit {
				kept = append(kept, x)
			}
		}
	case "Contiguous":
		for _, x := range spans {
			if x.hit == prev && len(kept) > 0 {
				kept[len(kept)-1].to = x.to
			} else {
				kept = append(kept, x)
			}
			prev = x.hit
		}
	case "MergedWithPrevious":
		for _, x := range spans {
			if x.hit && !prev && len(kept) > 0 {
				kept[len(kept)-1].to = x.to
			} else {
				kept = append(kept, x)
			}
			prev = x.hit
		}
	case "MergedWithNext":
		for i := len(spans) - 1; i >= 0; i-- {
			x := spans[i]
			if x.hit && !prev && len(kept) > 0 {
				kept[len(kept)-1].from = x.from
			} else {
				kept = append(kept, x)
			}
			prev = x.hit
		}
		slices.Reverse(kept)
	default: // Isolated
		kept = spans
	}
	out := make([]string, 0, len(kept))
	for _, x := range kept {
		if x.from < x.to {
			out = append(out, s[x.from:x.to])
		}
	}
	return out
}
