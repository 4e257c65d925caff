// What ts-fsrs makes of histories. Each line read is one:
//   {"weights": […], "retention": 0.9, "longest": 365, "fuzz": true, "reviews": [[grade, elapsed_days, luck], …]}
// and each line written has [stability, difficulty, interval] after each of its reviews.
import { createInterface } from "node:readline";
import { FSRSAlgorithm, get_fuzz_range } from "ts-fsrs";

function answer({ weights, retention, longest, fuzz, reviews }) {
  const model = new FSRSAlgorithm({
    w: weights,
    request_retention: retention,
    maximum_interval: longest,
    enable_fuzz: false, // it would be seeded with text of its own; below its range is used with the luck given
    enable_short_term: true,
    learning_steps: [],
    relearning_steps: [],
  });
  let state = null;
  return reviews.map(([grade, elapsed, luck]) => {
    state = model.next_state(state, elapsed, grade);
    let interval = model.next_interval(state.stability, elapsed);
    if (fuzz && interval >= 2.5) {
      const { min_ivl, max_ivl } = get_fuzz_range(interval, elapsed, longest);
      interval = Math.floor(luck * (max_ivl - min_ivl + 1) + min_ivl);
    }
    return [state.stability, state.difficulty, interval];
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(answer(JSON.parse(line))) + "\n");
}
