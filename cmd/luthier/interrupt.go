package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"luthier/train"
)

// interrupts is what Ctrl-C and SIGTERM do. They cancel the context; what looks at it ends by itself. A model that is being loaded or planned
// does not, nor does a first step, and neither has anything to lose: behind a moment of patience the process ends all the same. While a run is at its further steps, or files are written, the work is finished; a second signal ends it at once.
type interrupts struct {
	work  atomic.Pointer[work] // nil: there is nothing to lose yet
	taken atomic.Bool          // somebody ends the process
	mu    sync.Mutex
	leave []func()        // what to tidy where the process ends in mid-work
	say   func(error) int // how errors are told; it gives the exit code
}

// work is what a command is at, beyond loading.
type work struct {
	first   string // said at the first signal, which does not end it; "": that ends it too, behind the patience
	aborted error  // its end in the middle
}

var (
	stepping = &work{"finishing the step; once more to abort without saving",
		errors.New("aborted without saving: --resume goes on from the last checkpoint; where there is none, start again with --overwrite")}
	starting = &work{"", fmt.Errorf("%w in the first step: nothing was saved; start again with --overwrite", train.ErrInterrupted)}
	resuming = &work{"", fmt.Errorf("%w in the first step: --resume goes on from the checkpoint again", train.ErrInterrupted)}
	writing  = &work{"stopping; once more to abort at once", errEarly}
	errEarly = errors.New("interrupted: nothing was written")
)

// patience is how long a command has to end by itself before it is ended.
const patience = time.Second

type interruptsKey struct{}

// interruptible cancels the context at the first Ctrl-C or SIGTERM.
func interruptible(parent context.Context, errOut io.Writer) (context.Context, func()) {
	i := &interrupts{}
	ctx, cancel := context.WithCancel(context.WithValue(parent, interruptsKey{}, i))
	sig := make(chan os.Signal, 2)
	signal.Notify(sig, os.Interrupt, syscall.SIGTERM)
	go func() {
		if _, ok := <-sig; !ok {
			return
		}
		if w := i.work.Load(); w != nil && w.first != "" {
			fmt.Fprintln(errOut, "\nluthier: "+w.first)
		}
		cancel()
		i.wait(sig)
	}()
	return ctx, func() { signal.Stop(sig); cancel() }
}

// wait ends the process: at a second signal at once, else when the patience is over and nothing can be lost.
func (i *interrupts) wait(sig <-chan os.Signal) {
	ticks := time.Tick(patience)
	for {
		select {
		case <-sig:
			i.exit()
		case <-ticks:
			if w := i.work.Load(); w == nil || w.first == "" {
				i.exit()
			}
		}
	}
}

// exit ends the process in the middle of its work, unless it is ending already.
func (i *interrupts) exit() {
	if !i.ends() {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	err := errEarly
	if w := i.work.Load(); w != nil {
		err = w.aborted
	}
	for _, f := range i.leave {
		f()
	}
	code := exitInterrupted
	if i.say != nil {
		code = i.say(err)
	}
	os.Exit(code)
}

// ends is true for the one caller that may end the process and tell why.
func (i *interrupts) ends() bool { return i == nil || i.taken.CompareAndSwap(false, true) }

// interruptsOf finds them; nil, which takes all calls, where no signals are heard.
func interruptsOf(ctx context.Context) *interrupts {
	i, _ := ctx.Value(interruptsKey{}).(*interrupts)
	return i
}

// tells sets how an end in mid-work is told.
func (i *interrupts) tells(say func(error) int) {
	if i != nil {
		i.mu.Lock()
		i.say = say
		i.mu.Unlock()
	}
}

// tidies is called where the process ends in mid-work.
func (i *interrupts) tidies(f func()) {
	if i != nil {
		i.mu.Lock()
		i.leave = append(i.leave, f)
		i.mu.Unlock()
	}
}

// works says that from now on there is something to lose.
func (i *interrupts) works(w *work) {
	if i != nil {
		i.work.Store(w)
	}
}
