package main

import (
	"context"
	"errors"

	"luthier/backend"
	"luthier/backend/ref"
	"luthier/train"
)

// dryRun refuses what train would refuse before it asks a device, and prints the settings as the model and the data settle them. What it
// plans on stands for an adapter: what fits on the real one, luthier plan tells.
func (a *app) dryRun(ctx context.Context, s *trainSettings) error {
	a.notes(s)
	if err := s.complete(); err != nil {
		return err
	}
	if _, err := parseBytes(a.memory); err != nil {
		return usage("--memory: %v", err)
	}
	unlock, err := s.claim(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if saved, _ := train.Checkpoints(s.out); s.resume == "latest" && len(saved) == 0 && !(a.forward() && exists(s.out, replayLog)) {
		return s.nothingSaved(train.ErrNoCheckpoint)
	}
	if err := s.check(); err != nil {
		return err
	}
	j, f, err := a.prepareOn(gpuOf4GiB{ref.New()}, budget{}, s)
	if j != nil {
		defer j.close()
	}
	if err != nil {
		return err
	}
	d, err := j.draft(f, train.Shape{B: j.perRow(), T: longest(j.loader)})
	if err != nil && !errors.Is(err, backend.ErrOutOfMemory) {
		return err
	}
	if d != nil {
		if err := probeFits(s, j, d); err != nil {
			return err
		}
	}
	if err := s.loop(j, f).Check(); err != nil {
		return err
	}
	for _, name := range j.unmatched(s) {
		a.warn("%s matches no module of %s", name, j.src.dir)
	}
	items := a.resolved(s, j)
	if a.json {
		all := map[string]any{}
		for _, x := range items {
			all[x.Key.(string)] = x.Value
		}
		a.emit(map[string]any{"settings": all})
		return nil
	}
	_, err = a.out.Write(yamlText(items))
	return err
}
