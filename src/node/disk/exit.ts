/** Actions for the end of this process. */
const actions = new Set<() => void>();

/** Runs `action`, which must be synchronous, when this process ends. Returns a function that calls it off. */
export function atExit(action: () => void): () => void {
  if (actions.size === 0) process.on('exit', leave);
  actions.add(action);
  return () => {
    actions.delete(action);
    if (actions.size === 0) process.off('exit', leave);
  };
}

/** Runs all actions now: when a signal ends the process, Node does not emit 'exit'. */
export function leave(): void {
  for (const action of actions) {
    try {
      action();
    } catch {
      // Nothing more can be done here; whoever comes next does it.
    }
  }
  actions.clear();
}
