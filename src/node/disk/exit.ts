/** What is to be done when this process ends. */
const actions = new Set<() => void>();

/** Has `action`, which must not wait for anything, done when this process ends. Returns what calls that off. */
export function atExit(action: () => void): () => void {
  if (actions.size === 0) process.on('exit', leave);
  actions.add(action);
  return () => {
    actions.delete(action);
    if (actions.size === 0) process.off('exit', leave);
  };
}

/** Does all of it now: for a process that a signal is about to end, which Node would not tell. */
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
