package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const childEnv = "ATOMICFILE_TEST_CHILD"

// TestMain lets the test binary play the run that is killed or that holds the lock.
func TestMain(m *testing.M) {
	switch dir := os.Getenv(childEnv + "_DIR"); os.Getenv(childEnv) {
	case "write":
		for i := 0; ; i++ {
			if err := WriteDir(filepath.Join(dir, "ck"), func(tmp string) error { return twoFiles(tmp, i) }); err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
			fmt.Println("written")
		}
	case "lock":
		if _, err := LockDir(dir); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("locked")
		time.Sleep(time.Minute)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// twoFiles writes the same number twice, so that a torn directory shows.
func twoFiles(dir string, i int) error {
	text := []byte(strconv.Itoa(i))
	return errors.Join(os.WriteFile(filepath.Join(dir, "a"), text, 0o644), os.WriteFile(filepath.Join(dir, "b"), text, 0o644))
}

// child starts this binary in a role and returns once it has printed its first line.
func child(t *testing.T, role, dir string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childEnv+"="+role, childEnv+"_DIR="+dir)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan(), "the child said nothing")
	first := lines.Text()
	go func() { // or a full pipe would hold the child up
		for lines.Scan() {
		}
	}()
	return cmd, first
}

func TestKilledWriterLeavesAWholeDirectory(t *testing.T) {
	dir := t.TempDir()
	for range 25 {
		cmd, line := child(t, "write", dir)
		require.Equal(t, "written", line)
		time.Sleep(time.Duration(rand.IntN(8000)) * time.Microsecond)
		require.NoError(t, cmd.Process.Kill())
		cmd.Wait()
		_, err := Recover(dir)
		require.NoError(t, err)
		require.Equal(t, []string{"ck"}, names(t, dir))
		require.Equal(t, read(t, dir, "ck", "a"), read(t, dir, "ck", "b"))
	}
}

func TestLockDir(t *testing.T) {
	dir := t.TempDir()
	first, err := LockDir(dir)
	require.NoError(t, err)
	_, err = LockDir(dir)
	var busy *BusyError
	require.ErrorAs(t, err, &busy)
	host, err := os.Hostname()
	require.NoError(t, err)
	assert.Equal(t, BusyError{Dir: dir, PID: os.Getpid(), Host: host}, *busy)
	require.NoError(t, first.Release())
	require.NoError(t, first.Release(), "twice is harmless")
	if runtime.GOOS != "windows" {
		assert.Empty(t, names(t, dir), "nothing is left in the directory")
	}
	again, err := LockDir(dir)
	require.NoError(t, err)
	require.NoError(t, again.Release())
	require.NoError(t, (*Lock)(nil).Release())
	_, err = LockDir(filepath.Join(dir, "none"))
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestLockOfAnotherProcess(t *testing.T) {
	dir := t.TempDir()
	cmd, line := child(t, "lock", dir)
	require.Equal(t, "locked", line)
	_, err := LockDir(dir)
	require.ErrorContains(t, err, fmt.Sprintf("in use by another run (process %d on ", cmd.Process.Pid))
	require.NoError(t, cmd.Process.Kill())
	cmd.Wait()
	mine, err := LockDir(dir)
	require.NoError(t, err, "a dead run holds nothing")
	assert.True(t, strings.HasPrefix(read(t, dir, lockName), fmt.Sprintln(os.Getpid())))
	require.NoError(t, mine.Release())
}

// Holders that come and go remove the file under those who wait at the door: never may two be inside.
func TestLockRace(t *testing.T) {
	dir := t.TempDir()
	inside := make(chan struct{}, 1)
	done := make(chan int)
	for range 4 {
		go func() {
			got := 0
			for range 500 {
				l, err := LockDir(dir)
				if err != nil {
					runtime.Gosched()
					continue
				}
				select {
				case inside <- struct{}{}:
					got++
					<-inside
				default:
					t.Error("two holders at a time")
				}
				l.Release()
			}
			done <- got
		}()
	}
	total := 0
	for range 4 {
		total += <-done
	}
	assert.Positive(t, total)
}
