// The passage behind a citation.

import { $, element } from './dom.js';
import { get } from './server.js';

async function openPassage({ dataset, children: [, name, where] }) {
  $('passage-title').textContent = name.textContent;
  $('passage-place').textContent = where.textContent;
  $('passage-text').replaceChildren(element('em', 'Opening the document…'));
  $('passage').dataset.path = dataset.passage;
  $('passage').showModal();
  const passage = await get(dataset.passage).catch((error) => ({ problem: error.message }));
  if ($('passage').dataset.path !== dataset.passage) return;
  $('passage-place').textContent = [where.textContent, age(passage)].filter(Boolean).join(' · ');
  $('passage-text').replaceChildren(...passageParts(passage));
  $('passage-text').querySelector('mark')?.scrollIntoView({ block: 'center' });
}

function age({ version, current }) {
  return current && version !== current ? `From version ${version}; the document is at version ${current} now.` : '';
}

function passageParts({ problem, before, text, after }) {
  if (problem) return [element('em', problem)];
  return [element('span', before), element('mark', text), element('span', after)];
}

export function followCitation(event) {
  const link = event.target.closest('a.citation, .source');
  if (!link) return;
  event.preventDefault();
  const source = link.closest('.turn').querySelector(`.source[data-number="${link.dataset.number}"]`);
  if (source) openPassage(source);
}
