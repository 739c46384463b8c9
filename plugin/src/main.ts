/**
 * Puts the parts together and offers them to the page as `callease`.
 *
 * The build lets none of this run where an instance is there already: a second tag changes nothing.
 */

import { ask, clients } from './api';
import { emit, on, told } from './events';
import { end, whenReady } from './lifetime';
import { consent } from './memory';
import { fillNumbers } from './paint';
import { leaseFor } from './reveal';
import './element';
import './late';

declare const VERSION: string;

/** Longest wait for an idle moment. */
const IDLE_MS = 2000;

declare global {
  interface Window {
    callease?: { q?: ArrayLike<unknown>[]; version?: string };
    CallTrk?: { swap: typeof swap; getSwapNumbers(numbers: string[], done: (shown: object) => void): void };
  }
}

type Api = typeof commands & {
  (command: string, ...args: unknown[]): unknown;
  version: string;
  ready: Promise<Api>;
  /** The id of this visit, once the server has answered. */
  visit?: string;
};

interface CallbackOrder {
  listing?: string;
  phone: string;
  at?: string;
  department?: string;
  consent: { version: string; locale: string; purposes: string[] };
}

interface CallbackAnswer {
  callback: string;
  state: string;
}

const swap = (root: ParentNode | string = document): void => {
  for (const each of typeof root === 'string' ? document.querySelectorAll(root) : [root]) fillNumbers(each);
};

/** Orders a call-back; the phone goes to the server only, whose answer, and so the event, is without it. */
const callback = async (order: CallbackOrder): Promise<Partial<CallbackAnswer>> => {
  const { listing } = order;
  const answer = await told(ask<CallbackAnswer>('/v1/callbacks', order), listing);
  emit('callback', { listing, ...answer });
  return answer;
};

/** Reports the visit, after everything that the visitor came for. */
const sendVisit = (): void => {
  // Without a visit attribution knows less, and a lease still brings what it needs.
  ask<{ visit: string }>('/v1/visits', { clients: clients() }, document.title).then(
    ({ visit }) => Object.assign(api, { visit }),
    () => {},
  );
};

/** Takes the script off the page: numbers go back, nothing is listened to. The tag may then be added anew. */
const destroy = (): void => {
  end();
  api.version = '';
};

const commands = { lease: leaseFor, swap, callback, consent, on, destroy };

type Member = Promise<unknown> & ((...args: unknown[]) => unknown);

/** `callease('lease', {...})` is `callease.lease({...})`; `callease('ready', fn)` waits for the script to be ready. */
const api = Object.assign((command: string, ...args: []): unknown => {
  const member = (api as unknown as Record<string, Member>)[command];
  return member?.then ? member.then(...args) : member?.(...args);
}, commands) as Api;

const queue = window.callease?.q || [];
window.callease = api;
api.version = VERSION;
// What pages written for CallRail call, so that they keep running.
window.CallTrk = window.CallTrk || {
  swap,
  getSwapNumbers: (_numbers, done) => {
    setTimeout(done, 0, {});
  },
};
api.ready = new Promise(whenReady).then(() => {
  swap();
  // Safari has no idle callbacks; `setTimeout` takes the options for no delay.
  const whenIdle = (window.requestIdleCallback || setTimeout) as typeof requestIdleCallback;
  whenIdle(sendVisit, { timeout: IDLE_MS });
  emit('ready', { version: VERSION });
  return api;
});
// What the page called before the script was there. A failure is told, never thrown.
for (const call of queue) new Promise((resolve) => resolve(api(...(call as [string])))).catch(console.warn);
