// Tasks for a few workers, which end themselves when they have had nothing to do for a while.

import { unpackError } from './pictures.js';
import { startWorker } from './start.js';
import { work } from './work.js';

const MOST = 4; // workers; each holds an image and what the coder learns
const REST = 10000; // milliseconds

const waiting = []; // jobs
const free = new Set(); // workers
let count = 0; // of workers
let usable = typeof Worker !== 'undefined'; // until one does not start

/**
 * Have a worker do a task of work.js. Where no worker starts, this thread does it. An abort of
 * `signal` ends the worker, too.
 */
export function run(task, bytes, { signal, ...options } = {}) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const job = { message: { task, bytes, options }, worker: null, over: false };
    const cancel = () => {
      abandon(job);
      reject(signal.reason);
    };
    const settle = (end) => (value) => {
      signal?.removeEventListener('abort', cancel);
      end(value);
    };
    Object.assign(job, { resolve: settle(resolve), reject: settle(reject) });
    signal?.addEventListener('abort', cancel);
    waiting.push(job);
    next();
  });
}

/** Let the next jobs begin for which there are workers. */
function next() {
  const most = Math.min(MOST, globalThis.navigator?.hardwareConcurrency ?? 2);
  while (waiting.length > 0) {
    if (!usable) {
      doHere(waiting.shift());
    } else if (free.size > 0) {
      const [worker] = free;
      begin(waiting.shift(), worker);
    } else if (count < most) {
      hire();
    } else {
      return;
    }
  }
}

/** Start a worker. */
function hire() {
  let worker;
  try {
    worker = startWorker();
  } catch (error) {
    giveUp(error.message);
    return;
  }
  Object.assign(worker, { job: null, ready: false, rest: null });
  worker.onmessage = ({ data }) => hear(worker, data);
  worker.onerror = (event) => {
    event.preventDefault(); // it is told below, or to whoever asked for the job
    fail(worker, event.message);
  };
  count += 1;
  free.add(worker);
}

function begin(job, worker) {
  clearTimeout(worker.rest);
  free.delete(worker);
  job.worker = worker;
  worker.job = job;
  try {
    worker.postMessage(job.message);
  } catch (error) {
    job.reject(error);
    release(worker);
  }
}

function hear(worker, data) {
  if (data === 'ready') {
    worker.ready = true;
    return;
  }
  const { job } = worker;
  release(worker);
  if (data.error) job.reject(unpackError(data.error));
  else job.resolve(data.value);
}

/** A worker has done its job. */
function release(worker) {
  worker.job = null;
  free.add(worker);
  worker.rest = setTimeout(() => dismiss(worker), REST);
  next();
}

function dismiss(worker) {
  worker.terminate();
  clearTimeout(worker.rest);
  free.delete(worker);
  count -= 1;
}

/** A worker has ended by itself; if it never began, none will. */
function fail(worker, message) {
  const { job, ready } = worker;
  dismiss(worker);
  if (!ready) {
    if (job) waiting.unshift(job);
    giveUp(message);
  } else if (job) {
    job.reject(new Error(`the worker that decodes has ended: ${message}`));
  }
  next();
}

function giveUp(message) {
  if (!usable) return;
  usable = false;
  const reason = message || 'its script cannot be loaded';
  console.warn(`kmcodec: no worker starts (${reason}); the page's thread decodes`);
}

/** Forget a job, and end what does it. */
function abandon(job) {
  job.over = true;
  const place = waiting.indexOf(job);
  if (place >= 0) waiting.splice(place, 1);
  else if (job.worker?.job === job) dismiss(job.worker);
  next();
}

function doHere(job) {
  const begun = () => !job.over && work(job.message).then(job.resolve, job.reject);
  setTimeout(begun, 0); // first let the page be drawn
}
