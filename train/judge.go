package train

import "fmt"

// judge is what evaluations are compared by: values of two judges are not.
type judge struct {
	Metric  string `json:"metric,omitempty"` // empty before the first evaluation, and in checkpoints of versions that did not write it
	Greater bool   `json:"greater_is_better,omitempty"`
	Data    string `json:"data_fingerprint,omitempty"` // of the evaluation data; empty where it is not known
}

// judge of this run.
func (l *Loop) judge() judge { return judge{l.Metric, l.Greater, l.Identity.EvalData} }

// differs says in words how the evaluations of a run that was stopped differ from this one's; empty where they do not, or nothing tells.
func (was judge) differs(is judge) string {
	switch {
	case was.Metric == "":
	case was.Metric != is.Metric:
		return fmt.Sprintf("by %s, from here on by %s", was.Metric, is.Metric)
	case was.Greater != is.Greater:
		return fmt.Sprintf("with greater_is_better %t, from here on with %t", was.Greater, is.Greater)
	case was.Data != "" && is.Data != "" && was.Data != is.Data:
		return "on other data than from here on"
	}
	return ""
}

// judged is p without the best evaluation and the count of those not better, where this run cannot compare its own with them. A session that
// evaluates nothing keeps them for the next.
func (l *Loop) judged(p progress) progress {
	how := p.Judge.differs(l.judge())
	if how == "" || !l.evaluates() {
		return p
	}
	p.Evaluated, p.BestStep, p.BestMetric, p.BestSaved, p.Worse, p.Judge = false, 0, 0, false, 0, judge{}
	l.Report.Note(fmt.Sprintf("evaluations to step %d were %s: they are not compared; the best, and --patience, count anew", p.Step, how))
	return p
}
