package main

import (
	"os"

	"luthier/data"
)

// fileLines reads the lines of a file.
func fileLines(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readLines(f)
}

// validPath is the file that eval measures on.
func (in *inputs) validPath() (string, error) {
	s, err := data.FindSplits(in.data)
	if err != nil {
		return "", badData(err)
	}
	if s.Valid != "" {
		return s.Valid, nil
	}
	return s.Train, nil
}
