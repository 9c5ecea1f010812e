package data

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"github.com/dlclark/regexp2"
	"golang.org/x/text/unicode/norm"
)

// normalizer rewrites text before it is cut into words.
type normalizer func(string) string

// What a tokenizer.json may make of a text is bounded, lest a small file of
// replacements that feed each other fill the memory: a replacement has at most
// maxContent bytes, and a Sequence makes of n bytes at most maxGrowth n + 4096.
const (
	maxContent = 64
	maxGrowth  = 64
)

func grown(before, after int) bool { return after > maxGrowth*before+4096 }

// parseNormalizer builds the "normalizer" of a tokenizer.json; nil where absent.
func parseNormalizer(raw json.RawMessage, fault *faultBox, depth int) (normalizer, error) {
	c, ok, err := parseComponent(raw, depth)
	if !ok {
		return nil, err
	}
	switch c.Type {
	case "Sequence":
		return normalizerSequence(c.Normalizers, fault, depth)
	case "BertNormalizer":
		return parseBertNormalizer(raw)
	case "Prepend":
		var p struct {
			Prepend string `json:"prepend"`
		}
		err := json.Unmarshal(raw, &p)
		if err == nil && len(p.Prepend) > maxContent {
			err = fmt.Errorf("Prepend of %d bytes: %d at most", len(p.Prepend), maxContent)
		}
		return func(s string) string {
			if s == "" {
				return s
			}
			return p.Prepend + s
		}, err
	case "Replace":
		return parseReplace(raw)
	case "Strip":
		p := struct {
			Left  bool `json:"strip_left"`
			Right bool `json:"strip_right"`
		}{}
		err := json.Unmarshal(raw, &p)
		return func(s string) string { return stripSides(s, p.Left, p.Right) }, err
	case "NFC":
		return norm.NFC.String, nil
	case "NFD":
		return norm.NFD.String, nil
	case "NFKC":
		return norm.NFKC.String, nil
	case "NFKD":
		return norm.NFKD.String, nil
	case "Lowercase":
		return lowercase, nil
	case "StripAccents":
		return func(s string) string { return dropRunes(s, unicode.IsMark) }, nil
	case "ByteLevel":
		return bytesToRunes, nil
	}
	return nil, unsupported(c.Type)
}

func normalizerSequence(raws []json.RawMessage, fault *faultBox, depth int) (normalizer, error) {
	var all []normalizer
	for i, r := range raws {
		n, err := parseNormalizer(r, fault, depth+1)
		if err != nil {
			return nil, fmt.Errorf("normalizers[%d]: %w", i, err)
		}
		if n != nil {
			all = append(all, n)
		}
	}
	return func(s string) string {
		size := len(s)
		for _, n := range all {
			if s = n(s); grown(size, len(s)) {
				fault.set(fmt.Errorf("the tokenizer's normalizer makes %d bytes of a text of %d", len(s), size))
				return ""
			}
		}
		return s
	}, nil
}

func parseReplace(raw json.RawMessage) (normalizer, error) {
	var p struct {
		Pattern pattern `json:"pattern"`
		Content string  `json:"content"`
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, err
	}
	switch {
	case len(p.Content) > maxContent:
		return nil, fmt.Errorf("Replace with %d bytes: %d at most", len(p.Content), maxContent)
	case p.Pattern.String != nil && *p.Pattern.String != "":
		return strings.NewReplacer(*p.Pattern.String, p.Content).Replace, nil
	case p.Pattern.Regex != nil:
		re, err := compileRegex(*p.Pattern.Regex)
		if err != nil {
			return nil, err
		}
		return func(s string) string { return replaceRegex(re, s, p.Content) }, nil
	}
	return nil, fmt.Errorf("Replace without a pattern")
}

// replaceRegex puts content, taken literally, in place of each match.
func replaceRegex(re *regexp2.Regexp, s, content string) string {
	out, err := re.ReplaceFunc(s, func(regexp2.Match) string { return content }, -1, -1)
	if err != nil { // past the time limit: leave the text as it is
		return s
	}
	return out
}

func stripSides(s string, left, right bool) string {
	if left {
		s = strings.TrimLeftFunc(s, unicode.IsSpace)
	}
	if right {
		s = strings.TrimRightFunc(s, unicode.IsSpace)
	}
	return s
}

// lowercase lowers each rune by itself; the one rune whose lower case is two
// runes is spelled out, since unicode.ToLower knows simple mappings only.
func lowercase(s string) string {
	if !strings.ContainsRune(s, 'İ') {
		return strings.Map(unicode.ToLower, s)
	}
	var b strings.Builder
	for _, r := range s {
		if r == 'İ' {
			b.WriteString("i\u0307")
			continue
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// dropRunes removes the runes for which f holds.
func dropRunes(s string, f func(rune) bool) string {
	return strings.Map(func(r rune) rune {
		if f(r) {
			return -1
		}
		return r
	}, s)
}
