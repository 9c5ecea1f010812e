package data

import (
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// parseBertNormalizer builds BERT's clean-up: control characters out, spaces
// made plain, Chinese characters set apart, accents off, lower case.
func parseBertNormalizer(raw json.RawMessage) (normalizer, error) {
	p := struct {
		CleanText    bool  `json:"clean_text"`
		Chinese      bool  `json:"handle_chinese_chars"`
		StripAccents *bool `json:"strip_accents"`
		Lowercase    bool  `json:"lowercase"`
	}{CleanText: true, Chinese: true, Lowercase: true}
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, err
	}
	strip := p.Lowercase // what null means
	if p.StripAccents != nil {
		strip = *p.StripAccents
	}
	return func(s string) string {
		s = bertClean(s, p.CleanText, p.Chinese)
		if strip {
			s = dropRunes(norm.NFD.String(s), isBertMark)
		}
		if p.Lowercase {
			s = lowercase(s)
		}
		return s
	}, nil
}

func bertClean(s string, clean, chinese bool) string {
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		switch {
		case clean && (r == 0 || r == utf8.RuneError || isBertControl(r)):
		case clean && unicode.IsSpace(r):
			b.WriteByte(' ')
		case chinese && isChinese(r):
			b.WriteByte(' ')
			b.WriteRune(r)
			b.WriteByte(' ')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// isBertControl holds for categories Cc, Cf and Co, save tab and line ends,
// which count as spaces. Code points without a character stay.
func isBertControl(r rune) bool {
	if r == '\t' || r == '\n' || r == '\r' {
		return false
	}
	if r < utf8.RuneSelf {
		return r < ' ' || r == 0x7f
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co) && !unicode.Is(newerControls, r)
}

// isChinese holds for the blocks of CJK ideographs that BERT sets apart. The gap
// before 2B920 is Hugging Face's.
func isChinese(r rune) bool {
	return r >= 0x3400 && (r >= 0x4E00 && r <= 0x9FFF || r <= 0x4DBF ||
		r >= 0x20000 && r <= 0x2A6DF || r >= 0x2A700 && r <= 0x2B81F || r >= 0x2B920 && r <= 0x2CEAF ||
		r >= 0xF900 && r <= 0xFAFF || r >= 0x2F800 && r <= 0x2FA1F)
}

// isBertPunct holds for what BERT cuts out as a word of its own.
func isBertPunct(r rune) bool {
	if r < utf8.RuneSelf {
		return isASCIIPunct(r)
	}
	return unicode.IsPunct(r) && !unicode.Is(newerPuncts, r) || r == 0x166D || r == 0x111C9
}

// isASCIIPunct holds for every printable ASCII sign that is no letter or digit.
func isASCIIPunct(r rune) bool {
	return r >= '!' && r <= '/' || r >= ':' && r <= '@' || r >= '[' && r <= '`' || r >= '{' && r <= '~'
}
