// What the page is at: the conversation that is open, and the AbortController of the question that is being answered.

export const now = { conversation: null, running: null };
