// Files that are dropped on the page.

import { fillRow, offerButton, refreshDocuments } from './documents.js';
import { $, clone } from './dom.js';
import { CSRF, problem } from './server.js';
import { announce } from './telling.js';

function send(file, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const body = new FormData();
    body.append('space', $('space').value);
    body.append('file', file);
    request.open('POST', '/documents/');
    request.setRequestHeader('X-CSRFToken', CSRF);
    request.upload.onprogress = ({ loaded, total }) => onProgress(loaded / total);
    request.onerror = () => reject(new Error('The file could not be sent. Try again.'));
    request.onload = () => (request.status === 201 ? resolve(JSON.parse(request.responseText).outcome)
      : reject(problem(request.status, request.responseText)));
    request.send(body);
  });
}

async function upload(file, row) {
  const tell = (state, options) => fillRow(row, file.name, state, options);
  try {
    const outcome = await send(file, (share) => tell(`uploading ${Math.round(share * 100)}%`, { share }));
    if (outcome === 'unchanged') tell('unchanged: it was here already');
    else row.remove();
    refreshDocuments();
  } catch (error) {
    tell(error.message, { failed: true });
    announce(`${file.name}: ${error.message}`);
  }
  offerButton(row, `Dismiss ${file.name}`, () => row.remove());
}

export async function uploadAll(files) {
  const queue = [...files].map((file) => [file, clone('document-template')]);
  for (const [file, row] of queue) fillRow(row, file.name, 'waiting to upload');
  $('uploads').append(...queue.map(([, row]) => row));
  for (const [file, row] of queue) await upload(file, row);
}

export function onDrag(event) {
  if (!event.dataTransfer.types.includes('Files')) return;
  event.preventDefault(); // else the browser would leave the page and open the file
  $('drop-zone').classList.toggle('over', event.type === 'dragover');
  if (event.type === 'drop') uploadAll(event.dataTransfer.files);
}
