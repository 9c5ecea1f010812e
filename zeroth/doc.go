// Package zeroth trains with forward passes only: MeZO and its kin as train.Steppers, and the log that replays a run.
//
// A step perturbs the weights along a direction z that is made again from a seed wherever it is needed (noise.go), and learns one number g
// from the losses. The log (log.go) holds seeds and numbers, 32 bytes a direction; Header.Terms says which additions they mean, and Replay
// makes them, on the host and without a model. docs/replay-log.md has the same for other programs.
package zeroth
