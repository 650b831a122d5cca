/** The policy of whatever measures something else than policy: the text of a pack. */
export const allowEverything = `version: 1
name: bench
rules:
  - id: all
    effect: allow
    tools: ['*/*']
    reason: Nothing happens here.
`;
