package gpucheck

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	Child()
	os.Exit(m.Run())
}

// Every kernel that a GPU runs keeps to its limits on every chip. Without the compiler the test is skipped; with REQUIRE_GPU=1 it fails.
func TestGPUCheck(t *testing.T) {
	c := Checker{Filter: os.Getenv("GPUCHECK_FILTER")}
	err := c.Open()
	if errors.Is(err, ErrUnavailable) && os.Getenv("REQUIRE_GPU") != "1" {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	fmt.Println(Head)
	for _, chip := range Chips {
		rows, err := c.Check(chip)
		require.NoError(t, err)
		require.NotEmpty(t, rows)
		for _, r := range rows {
			fmt.Println(r)
			for _, b := range r.Broken {
				t.Errorf("%s: %s: %s", chip, r.Job.Kernel.Key, b)
			}
		}
	}
}
