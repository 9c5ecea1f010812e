package safetensors

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
)

// decodeObject calls value for each key of the object that comes next, and refuses a key that comes twice.
func decodeObject(dec *json.Decoder, value func(key string) error) error {
	if err := expect(dec, '{', "an object"); err != nil {
		return err
	}
	seen := map[string]bool{}
	for dec.More() {
		key, err := decodeString(dec)
		if err != nil {
			return err
		}
		if seen[key] {
			return fmt.Errorf("key %q comes twice", key)
		}
		seen[key] = true
		if err := value(key); err != nil {
			return err
		}
	}
	return expect(dec, '}', "the end of an object")
}

func decodeStrings(dec *json.Decoder, into map[string]string) error {
	return decodeObject(dec, func(key string) error {
		s, err := decodeString(dec)
		if err != nil {
			return fmt.Errorf("%q: %w", key, err)
		}
		into[key] = s
		return nil
	})
}

func decodeString(dec *json.Decoder) (string, error) {
	t, err := dec.Token()
	if err != nil {
		return "", jsonError(err)
	}
	s, ok := t.(string)
	if !ok {
		return "", fmt.Errorf("want a string, have %v", t)
	}
	return s, nil
}

// decodeInts reads an array of at most limit integers that are not negative.
func decodeInts(dec *json.Decoder, limit int) ([]int, error) {
	if err := expect(dec, '[', "an array"); err != nil {
		return nil, err
	}
	out := []int{}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, jsonError(err)
		}
		num, ok := t.(json.Number)
		if !ok {
			return nil, fmt.Errorf("want a number, have %v", t)
		}
		v, err := strconv.ParseInt(num.String(), 10, 0)
		if err != nil || v < 0 {
			return nil, fmt.Errorf("%s is no whole number from 0 to %d", num, uint(1)<<(strconv.IntSize-1)-1)
		}
		if len(out) == limit {
			return nil, fmt.Errorf("more than %d numbers", limit)
		}
		out = append(out, int(v))
	}
	return out, expect(dec, ']', "the end of an array")
}

func expect(dec *json.Decoder, want json.Delim, what string) error {
	t, err := dec.Token()
	if err != nil {
		return jsonError(err)
	}
	if t != want {
		return fmt.Errorf("want %s, have %v", what, t)
	}
	return nil
}

func jsonError(err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("invalid JSON: %w", err)
}
