// Command cmd prints what AMD's compiler makes of the kernels: go run ./internal/gpucheck/cmd [-keep DIR] [-plain] [FILTER]
//
// FILTER is a part of an instance's key, such as "matmul_tile TA". It exits with 1 if a limit is broken, 2 if the check cannot run here.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"luthier/internal/gpucheck"
)

func main() {
	gpucheck.Child()
	keep := flag.String("keep", "", "leave machine code, SPIR-V and statistics in this directory")
	plain := flag.Bool("plain", false, "buffers as the files declare them, not all read_write")
	flag.Parse()
	broken, err := check(&gpucheck.Checker{Filter: strings.Join(flag.Args(), " "), Keep: *keep, Plain: *plain})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	fmt.Printf("%d limits broken\n", broken)
	if broken > 0 {
		os.Exit(1)
	}
}

func check(c *gpucheck.Checker) (broken int, err error) {
	if err := c.Open(); err != nil {
		return 0, err
	}
	defer c.Close()
	fmt.Println(gpucheck.Head)
	for _, chip := range gpucheck.Chips {
		rows, err := c.Check(chip)
		if err != nil {
			return 0, err
		}
		for _, r := range rows {
			fmt.Println(r)
			broken += len(r.Broken)
		}
	}
	return broken, nil
}
