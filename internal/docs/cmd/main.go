// Command cmd brings the generated parts of the documents up to date: go run ./internal/docs/cmd.
package main

import (
	"fmt"
	"os"

	"luthier/internal/docs"
)

func main() {
	root, err := docs.Root(".")
	var changed []string
	if err == nil {
		changed, err = docs.Write(root)
	}
	for _, path := range changed {
		fmt.Println("wrote", path)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "docs:", err)
		os.Exit(1)
	}
}
