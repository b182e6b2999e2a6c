// The page of the simulated receivers: what an app heard by webhook, and what browsers were pushed, the newest first.
import type { Push, Told } from './index.ts'

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')

const row = (cells: readonly string[]): string =>
  `<tr>${cells.map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`

const table = (heads: readonly string[], rows: readonly string[][]): string =>
  rows.length === 0
    ? '<p>Nothing yet.</p>'
    : `<table><tr>${heads.map((head) => `<th>${head}</th>`).join('')}</tr>${rows.toReversed().map(row).join('')}</table>`

export function receiverPage(hooks: readonly Told[], pushes: readonly Push[]): string {
  const heard = hooks.map(({ id, body }) => [body.at, body.type, body.task.task_id, body.task.status, id])
  const pushed = pushes.map(({ title, body, task_id, type }) => [type, title, body, task_id])
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="2"><title>Told</title>
<style>body{font:15px system-ui;margin:2rem}td,th{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #ccc}</style>
<h1>What was told</h1><h2>To the app, by webhook</h2>${table(['when', 'event', 'task', 'status', 'id'], heard)}
<h2>To browsers, by push</h2>${table(['event', 'title', 'text', 'task'], pushed)}</html>`
}
