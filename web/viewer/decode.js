// Decoding in a worker, so that the page stays responsive; where there are none, in the page.

/* global kmc */

let current = null; // the decoding under way: only the last one asked for matters

function startWorker() {
  const source = document.getElementById('decoder').textContent;
  const listen = '\nonmessage = ({ data }) => postMessage(kmc.work(data));\n';
  const url = URL.createObjectURL(new Blob([source, listen], { type: 'text/javascript' }));
  try {
    return new Worker(url);
  } finally {
    // The worker may still have to fetch it.
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  }
}

/** Stop what is being decoded, if anything is. */
export function cancel() {
  if (current) current.terminate();
  current = null;
}

/** Decode the bytes of a file; gives a promise of what `work` gives. */
export function decode(bytes) {
  cancel();
  return new Promise((resolve, reject) => {
    const workHere = () => {
      try {
        resolve(kmc.work(bytes));
      } catch (error) {
        reject(error);
      }
    };
    const here = () => setTimeout(workHere, 0); // first let the page say that it decodes
    try {
      const worker = startWorker();
      current = worker;
      worker.onmessage = ({ data }) => {
        worker.terminate();
        resolve(data);
      };
      worker.onerror = here;
      worker.postMessage(bytes);
    } catch {
      here();
    }
  });
}
