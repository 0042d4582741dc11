// The elements of the page, and how things are written on it.

export const $ = (id) => document.getElementById(id);
export const clone = (id) => $(id).content.firstElementChild.cloneNode(true);
export const element = (tag, textContent) => Object.assign(document.createElement(tag), { textContent });
export const plural = (count, word) => `${count} ${word}${count === 1 ? '' : 's'}`;

export function show(target, text) {
  target.textContent = text;
  target.hidden = !text;
}

export function shortTime(date) {
  const today = date.toDateString() === new Date().toDateString();
  return date.toLocaleString([], today ? { timeStyle: 'short' } : { month: 'short', day: 'numeric' });
}

export function shortSize(bytes) {
  return bytes < 1024 * 1024 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
