//go:build !linux

package webgpu

import "time"

func pause(d time.Duration) { time.Sleep(d) }
