// Package nano writes the text that the bundled model is trained on.
//
// Luthier nano is a small Llama-type model that luthier pretrains itself. Its
// corpus is English-like prose about an invented land of twelve regions,
// thirty-six people and their trades, animals and instruments: facts, questions
// and answers, short stories, and reviews of concerts, meals, inns and the
// like, each followed by what the guest did next. The demo's task is to tell
// what a sentence of a review is about.
//
// Everything comes from a grammar of plain text files (words/) and a seeded
// generator, so that the same seed gives the same bytes on every machine.
package nano

// DefaultSeed is the seed of the committed data files and of WriteCorpus.
const DefaultSeed = 1
