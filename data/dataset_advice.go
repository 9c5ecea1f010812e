package data

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// promptNames and answerNames are what others call a prompt and its completion.
var (
	promptNames = []string{"prompt", "instruction", "question", "query", "input"}
	answerNames = []string{"completion", "response", "output", "answer", "chosen", "answers", "target"}
	chatNames   = []string{"messages", "conversations", "conversation"}
)

// firstOf is the first of names that has knows; empty without one.
func firstOf(names []string, has func(string) bool) string {
	if i := slices.IndexFunc(names, has); i >= 0 {
		return names[i]
	}
	return ""
}

// textAdvice says which keys a row has that is no document, and what makes one of it. It ends the message that a key is missing.
func textAdvice(r jsonRow) string {
	has := func(n string) bool { _, ok := r.fields[n]; return ok }
	keys := slices.Sorted(maps.Keys(r.fields))
	if len(keys) == 0 {
		return `in an empty object: rows are {"text"} or {"prompt", "completion"}`
	}
	among := fmt.Sprintf("among the keys %s: ", abridge(keys))
	if chat := firstOf(chatNames, has); chat != "" {
		return among + fmt.Sprintf(`chats are not read: write what comes before the last answer of %q as "prompt" and that answer as "completion"`, chat)
	}
	prompt, answer := firstOf(promptNames, has), firstOf(answerNames, has)
	if prompt == "prompt" && answer == "completion" {
		return among + "these are read as prompts and completions where no --text-column is given"
	}
	if prompt != "" && answer != "" {
		return among + renames(prompt, answer, has)
	}
	if text := textKey(keys, r); text != "" {
		return among + fmt.Sprintf(`rows are {"text"} or {"prompt", "completion"}; --text-column %s trains on that key`, text)
	}
	return among + `rows are {"text"} or {"prompt", "completion"}, and none of these keys holds text`
}

// renames says which keys to rename, which to join to another and which to leave out.
func renames(prompt, answer string, has func(string) bool) string {
	var steps []string
	for _, c := range [][2]string{{prompt, "prompt"}, {answer, "completion"}} {
		if c[0] != c[1] {
			steps = append(steps, fmt.Sprintf("rename %q to %q", c[0], c[1]))
		}
	}
	if prompt == "instruction" && has("input") {
		steps = append(steps, `join "input" to the prompt`)
	}
	if has("rejected") {
		steps = append(steps, `leave "rejected" out, because preferences are not trained on`)
	}
	said := strings.Join(steps, ", ")
	if prompt != "prompt" {
		said += fmt.Sprintf("; or --text-column %s trains on that key alone", answer)
	}
	return said
}

// textKey is the key to name with --text-column: a usual one, else the first that holds text.
func textKey(keys []string, r jsonRow) string {
	text := func(n string) bool { v := r.fields[n]; return len(v) > 0 && v[0] == '"' }
	if n := firstOf(textNames, text); n != "" {
		return n
	}
	return firstOf(keys, text)
}

// languageRows tells the columns of a language model's data, which no classes are in: a prompt and an answer to it, or chats.
func languageRows(names []string) bool {
	has := func(n string) bool { return slices.Contains(names, n) }
	return firstOf(chatNames, has) != "" || firstOf(promptNames, has) != "" && firstOf(answerNames, has) != "" && firstOf(labelNames, has) == ""
}

// languageHeader tells a first row of nothing but such names, and those of rows and their numbers, from a row of short texts.
func languageHeader(first []string) bool {
	if len(first) < 2 {
		return false
	}
	beside := []string{"rejected", "system", "context", "id", "idx", "index", "unnamed: 0", ""} // the last two are what pandas calls its index
	names := slices.Concat(promptNames, answerNames, chatNames)
	for _, c := range first {
		if !slices.Contains(names, c) && !slices.Contains(beside, c) && !isColumnName(c) {
			return false
		}
	}
	return slices.ContainsFunc(first, func(c string) bool { return slices.Contains(names, c) })
}
