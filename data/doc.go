// Package data turns files into batches: tokenizers with Hugging Face's ids,
// classification and language-model data, length buckets, seeded shuffling that
// resumes at a cursor, and the metrics that need no tensors.
//
// It knows nothing of devices, graphs or models. Token ids, masks and labels are
// int32, row-major [B, T]; a label of -100 is not trained on.
package data

// Ignore is the label of a position or row that carries no loss, as in PyTorch.
const Ignore = -100
