package data

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// decoder turns tokens into strings whose concatenation is the text.
type decoder func([]string) []string

// parseDecoder builds the "decoder"; nil where absent.
func parseDecoder(raw json.RawMessage, fault *faultBox, depth int) (decoder, error) {
	c, ok, err := parseComponent(raw, depth)
	if !ok {
		return nil, err
	}
	switch c.Type {
	case "Sequence":
		var all []decoder
		for i, r := range c.Decoders {
			d, err := parseDecoder(r, fault, depth+1)
			if err != nil {
				return nil, fmt.Errorf("decoders[%d]: %w", i, err)
			}
			if d != nil {
				all = append(all, d)
			}
		}
		return func(toks []string) []string {
			size := totalLen(toks)
			for _, d := range all {
				if toks = d(toks); grown(size, totalLen(toks)) {
					fault.set(fmt.Errorf("the tokenizer's decoder makes %d bytes of tokens of %d", totalLen(toks), size))
					return nil
				}
			}
			return toks
		}, nil
	case "ByteLevel":
		return decodeByteLevel, nil
	case "ByteFallback":
		return decodeByteFallback, nil
	case "Fuse":
		return func(toks []string) []string { return []string{strings.Join(toks, "")} }, nil
	case "Replace":
		n, err := parseReplace(raw)
		return eachToken(n), err
	case "WordPiece":
		return parseWordPieceDecoder(raw)
	case "Metaspace":
		return parseMetaspaceDecoder(raw)
	case "Strip":
		return parseStripDecoder(raw)
	case "BPEDecoder":
		p := struct {
			Suffix string `json:"suffix"`
		}{Suffix: "</w>"}
		err := json.Unmarshal(raw, &p)
		return func(toks []string) []string {
			for i := range toks {
				gap := " "
				if i == len(toks)-1 {
					gap = ""
				}
				if p.Suffix != "" {
					toks[i] = strings.ReplaceAll(toks[i], p.Suffix, gap)
				}
			}
			return toks
		}, err
	}
	return nil, unsupported(c.Type)
}

func totalLen(toks []string) (n int) {
	for _, t := range toks {
		n += len(t)
	}
	return n
}

func eachToken(f func(string) string) decoder {
	return func(toks []string) []string {
		for i := range toks {
			toks[i] = f(toks[i])
		}
		return toks
	}
}

// decodeByteLevel undoes bytesToRunes; a token with other runes stands for itself.
func decodeByteLevel(toks []string) []string {
	var all []byte
	for _, t := range toks {
		start := len(all)
		for _, r := range t {
			b, ok := runeByte[r]
			if !ok {
				all = append(all[:start], t...)
				break
			}
			all = append(all, b)
		}
	}
	return []string{lossyUTF8(all)}
}

// decodeByteFallback joins runs of <0xHH> tokens; a run that is no UTF-8 gives
// U+FFFD for each byte.
func decodeByteFallback(toks []string) []string {
	var out []string
	var run []byte
	flush := func() {
		if len(run) == 0 {
			return
		}
		if utf8.Valid(run) {
			out = append(out, string(run))
		} else {
			for range run {
				out = append(out, string(utf8.RuneError))
			}
		}
		run = run[:0]
	}
	for _, t := range toks {
		if len(t) == 6 && strings.HasPrefix(t, "<0x") && t[5] == '>' {
			if b, err := strconv.ParseUint(t[3:5], 16, 8); err == nil {
				run = append(run, byte(b))
				continue
			}
		}
		flush()
		out = append(out, t)
	}
	flush()
	return out
}

func parseWordPieceDecoder(raw json.RawMessage) (decoder, error) {
	p := struct {
		Prefix  string `json:"prefix"`
		Cleanup bool   `json:"cleanup"`
	}{Prefix: "##", Cleanup: true}
	err := json.Unmarshal(raw, &p)
	return func(toks []string) []string {
		for i, t := range toks {
			if i > 0 {
				if rest, ok := strings.CutPrefix(t, p.Prefix); ok {
					t = rest
				} else {
					t = " " + t
				}
			}
			if p.Cleanup {
				t = cleanUp(t)
			}
			toks[i] = t
		}
		return toks
	}, err
}

// cleanUp closes the gaps that English punctuation has in tokenised text. The
// rules apply one after the other, as in the original.
func cleanUp(s string) string {
	for _, r := range [][2]string{
		{" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"}, {" n't", "n't"},
		{" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
	} {
		s = strings.ReplaceAll(s, r[0], r[1])
	}
	return s
}

func parseMetaspaceDecoder(raw json.RawMessage) (decoder, error) {
	p := struct {
		Replacement string `json:"replacement"`
		Scheme      string `json:"prepend_scheme"`
		AddPrefix   *bool  `json:"add_prefix_space"`
	}{Replacement: "▁"}
	err := json.Unmarshal(raw, &p)
	keep := p.Scheme == "never" || p.Scheme == "" && p.AddPrefix != nil && !*p.AddPrefix
	return func(toks []string) []string {
		for i := range toks {
			with := " "
			if i == 0 && !keep {
				with = ""
			}
			toks[i] = strings.ReplaceAll(toks[i], p.Replacement, with)
		}
		return toks
	}, err
}

// parseStripDecoder takes up to start characters off the left of each token and
// up to stop off its right, as long as they are content.
func parseStripDecoder(raw json.RawMessage) (decoder, error) {
	var p struct {
		Content string `json:"content"`
		Start   int    `json:"start"`
		Stop    int    `json:"stop"`
	}
	err := json.Unmarshal(raw, &p)
	if err == nil && p.Content == "" {
		err = fmt.Errorf("Strip without content")
	}
	return eachToken(func(t string) string {
		for n := 0; n < p.Start && strings.HasPrefix(t, p.Content); n++ {
			t = t[len(p.Content):]
		}
		for n := 0; n < p.Stop && strings.HasSuffix(t, p.Content); n++ {
			t = t[:len(t)-len(p.Content)]
		}
		return t
	}), err
}
