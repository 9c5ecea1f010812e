package train

import "time"

// Metrics is one logged step, a line of metrics.jsonl. Rates leave evaluation and saving out.
type Metrics struct {
	Step         int     `json:"step"`
	Epoch        float64 `json:"epoch"`        // 1.5 is the middle of the second
	Loss         float64 `json:"loss"`         // mean over the steps since the last logged one
	LastLoss     float64 `json:"last_loss"`    // of this step alone
	LR           float64 `json:"lr"`           // of this step
	GradNorm     float64 `json:"grad_norm"`    // of this step, before clipping
	TokensPerSec float64 `json:"tokens_per_s"` // padding not counted
	PeakBytes    int64   `json:"peak_bytes"`   // most device memory that was allocated so far
	Seconds      float64 `json:"seconds"`      // since the run began, earlier sessions of a resumed run included
	Tokens       int64   `json:"trained_tokens"`
}

// EvalReport is one evaluation during a run.
type EvalReport struct {
	Step  int
	Epoch float64
	EvalResult
	Metric string  // the one that chooses the best checkpoint, without "eval_"
	Value  float64 // its value
	Best   bool    // better than every one before
}

// Plan is what a run is going to do.
type Plan struct {
	Steps         int     // of the whole run
	From          int     // steps done before, in a resumed run
	StepsPerEpoch int     // optimizer steps
	Epochs        float64 // Steps in epochs
	BatchSize     int     // sequences of one micro-batch
	Accumulate    int
	Shapes        []Shape // batch shapes of training, the longest first
}

// Summary is how a run ended.
type Summary struct {
	Steps        int
	Loss         float64 // mean over the steps of this session
	BestStep     int     // 0 where no evaluation chose a checkpoint
	BestMetric   float64
	BestLoaded   bool // the trained tensors are now those of BestStep
	StoppedEarly bool
	Duration     time.Duration // of this session
}

// Reporter hears what a Loop does. Its methods are called from the loop's goroutine and must not block for long.
type Reporter interface {
	Start(Plan)
	// Tick follows every step that was queued: a sign of life, before its results are known.
	Tick(step int)
	Step(Metrics)
	Eval(EvalReport)
	Saved(dir string, step int)
	// Note is a sentence that the user should read, such as that a run is resumed on another adapter.
	Note(text string)
	Done(Summary)
}

// Silent is a Reporter that does nothing; embed it to hear a part.
type Silent struct{}

func (Silent) Start(Plan)        {}
func (Silent) Tick(int)          {}
func (Silent) Step(Metrics)      {}
func (Silent) Eval(EvalReport)   {}
func (Silent) Saved(string, int) {}
func (Silent) Note(string)       {}
func (Silent) Done(Summary)      {}
