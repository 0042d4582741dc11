// One document: its versions, getting them, going back to one, and making it the team's.

import { $, clone, plural, shortSize, shortTime } from './dom.js';
import { get, post } from './server.js';
import { announce, changed, confirmed } from './telling.js';

const PROMOTE = { promote: 'Make it available to the team', ask: 'Ask to make it available to the team' };
const ASKED = 'A curator was asked to make it available to the team.';
const OUTCOMES = {
  moved: 'The whole team can use it now.',
  replaced: 'The whole team can use it now. It is the next version of the team’s document of this name.',
  same: 'The team had this very file already; now there is one.',
  asked: ASKED,
};

const tell = (text) => { $('document-told').textContent = text; announce(text); };
const orTell = (promise) => promise.catch((error) => tell(error.message));

export function openHistory(doc) {
  $('document').dataset.id = doc.id;
  $('document-title').textContent = doc.document;
  $('document-place').textContent = doc.space_label;
  $('document-told').textContent = doc.promotion === 'asked' ? ASKED : '';
  $('versions').replaceChildren();
  offerPromotion(doc);
  $('document').showModal();
  orTell(loadVersions(doc));
}

// The document's state has changed.
export function refreshHistory(doc) {
  if ($('document').open && $('document').dataset.id === doc.id) orTell(loadVersions(doc));
}

async function loadVersions(doc) {
  const { versions } = await get(`/documents/${doc.id}/versions/`);
  if ($('document').dataset.id !== doc.id) return;
  $('document-place').textContent = `${doc.space_label} · ${plural(versions.length, 'version')}`;
  $('versions').replaceChildren(...versions.map((version) => versionItem(doc, version)));
}

function versionItem(doc, version) {
  const item = clone('version-template');
  const { number, at, by, size, status, reason, current, restores } = version;
  item.querySelector('.number').textContent = `Version ${number}`;
  const told = [
    current ? 'shown now' : status !== 'ready' && (reason || status),
    restores && `back to version ${restores}`,
    shortTime(new Date(at)), by && `by ${by}`, shortSize(size),
  ];
  item.querySelector('.state').textContent = told.filter(Boolean).join(' · ');
  const path = `/documents/${doc.id}/versions/${number}`;
  const link = Object.assign(item.querySelector('a'), { href: `${path}/original/` });
  link.setAttribute('aria-label', `Download version ${number}`);
  const back = item.querySelector('button');
  back.hidden = current || status !== 'ready' || !doc.removable;
  back.onclick = () => orTell(goBack(doc, number));
  return item;
}

async function goBack(doc, number) {
  if (!await confirmed(`Go back to version ${number} of ${doc.document}? It becomes the newest version.`, 'Go back')) return;
  await post(`/documents/${doc.id}/versions/${number}/restore/`, {});
  tell(`Version ${number} will be shown in a moment.`);
  changed();
  await loadVersions(doc);
}

function offerPromotion(doc) {
  const button = $('promote');
  button.hidden = !(doc.promotion in PROMOTE);
  button.textContent = PROMOTE[doc.promotion];
  button.onclick = () => orTell(promote(doc));
}

async function promote(doc) {
  const asked = async (more) => (await (await post(`/documents/${doc.id}/promotion/`, more)).json()).outcome;
  let outcome = await asked({});
  if (outcome === 'namesake') {
    if (!await confirmed(`The team has a document called ${doc.document}. Make this its next version?`, 'Make it the next version')) return;
    outcome = await asked({ replace: true });
  }
  $('promote').hidden = true;
  tell(OUTCOMES[outcome]);
  changed();
}
