package train

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// trainerState is transformers' TrainerState: only its keys, since older versions refuse others.
type trainerState struct {
	BestMetric     *float64         `json:"best_metric"`
	BestCheckpoint *string          `json:"best_model_checkpoint"` // name of the directory beside this file's
	Epoch          float64          `json:"epoch"`
	EvalSteps      int              `json:"eval_steps"`
	GlobalStep     int              `json:"global_step"`
	LocalZero      bool             `json:"is_local_process_zero"`
	WorldZero      bool             `json:"is_world_process_zero"`
	History        []map[string]any `json:"log_history"`
	LogSteps       int              `json:"logging_steps"`
	MaxSteps       int              `json:"max_steps"`
	InputTokens    int64            `json:"num_input_tokens_seen"`
	Epochs         int              `json:"num_train_epochs"`
	SaveSteps      int              `json:"save_steps"`
	BatchSize      int              `json:"train_batch_size"`
}

// state is trainer_state.json. It holds no times: a resumed run and one never stopped write the same bytes.
func (l *Loop) state() ([]byte, error) {
	s := trainerState{Epoch: l.epoch(l.p.Step), EvalSteps: l.EvalSteps, GlobalStep: l.p.Step, LocalZero: true, WorldZero: true, History: l.history,
		LogSteps: l.LogSteps, MaxSteps: l.plan.Steps, InputTokens: l.p.Tokens, Epochs: int(l.plan.Epochs + 0.999999), SaveSteps: l.SaveSteps,
		BatchSize: l.plan.BatchSize}
	if s.History == nil {
		s.History = []map[string]any{}
	}
	if l.p.Evaluated {
		s.BestMetric = &l.p.BestMetric
	}
	if l.p.BestSaved {
		name := checkpointName(l.p.BestStep)
		s.BestCheckpoint = &name
	}
	raw, err := json.MarshalIndent(s, "", "  ")
	return append(raw, '\n'), err
}

// History is the log_history of trainer_state.json so far: an entry a logged step and an entry an evaluation, whose keys begin with "eval_".
func (l *Loop) History() []map[string]any { return l.history }

// readHistory is the log_history of a trainer_state.json.
func readHistory(path string) ([]map[string]any, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, &CheckpointError{path, err}
	}
	var s trainerState
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, &CheckpointError{path, fmt.Errorf("is no trainer state: %w", err)}
	}
	return s.History, nil
}

func writeBytes(raw []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(raw)
		return err
	}
}
