// The simulated chat as a page: what was said, pictures, buttons, and a form to write or to send photos. index.ts serves it.
import type { ChatMessage, Person, State } from './state.ts'

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** The part that changes, asked for again every second. */
export function chatLog(state: State, person: Person): string {
  return state.messages
    .filter(({ chat }) => chat === person.id)
    .map((message) => bubble(message))
    .join('\n')
}

function bubble({ isBots, text, caption, file, kind, buttons, message_id }: ChatMessage): string {
  const words = escaped(text ?? caption ?? '').replaceAll('\n', '<br>')
  const src = file && `/_telegram/file/${file.id}`
  const media = !file
    ? ''
    : kind === 'video'
      ? `<video src="${src}" controls></video>`
      : file.type.startsWith('image/')
        ? `<img src="${src}" alt="">`
        : `<a href="${src}">${escaped(file.name)}</a>`
  const rows = buttons.map(
    (row) => `<div class="row">${row.map((button) => buttonOf(button, message_id)).join('')}</div>`,
  )
  return `<article class="${isBots ? 'bot' : 'me'}">${media}<p>${words}</p>${rows.join('')}</article>`
}

function buttonOf({ text, callback_data }: ChatMessage['buttons'][number][number], message: number): string {
  return `<button name="press" data-message="${message}" data-value="${escaped(callback_data)}">${escaped(text)}</button>`
}

/** `code`: of a deep link. Its one button sends it, as Telegram's does. */
export function chatPage(state: State, person: Person, code?: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>@${escaped(state.options.username)} (simulated Telegram)</title>
<style>
body { margin: 0 auto; max-width: 34rem; font: 16px/1.4 system-ui; background: #dfe7ee; padding: 0 .75rem 8rem }
h1 { font-size: 1rem } article { background: #fff; border-radius: 12px; padding: .5rem .75rem; margin: .4rem 3rem .4rem 0 }
article.me { background: #e3fdcf; margin: .4rem 0 .4rem 3rem } p { margin: 0; overflow-wrap: anywhere }
img, video { max-width: 100%; border-radius: 8px } .row { display: flex; gap: .4rem; margin-top: .4rem }
button { flex: 1; padding: .5rem; border: 0; border-radius: 8px; background: #cfe3f7; font: inherit; cursor: pointer }
form { position: fixed; inset: auto 0 0; background: #fff; padding: .6rem; display: flex; gap: .5rem; flex-wrap: wrap; justify-content: center }
input[name=text] { flex: 1 1 14rem; padding: .5rem; font: inherit }
</style>
<h1>@${escaped(state.options.username)}: a chat of ${escaped(person.first_name)}, simulated</h1>
<main id="log">${chatLog(state, person)}</main>
${code === undefined ? '' : `<div class="row"><button id="start" data-code="${escaped(code)}">START</button></div>`}
<form id="say"><input name="text" placeholder="/generate 3 office cats" aria-label="Message" autocomplete="off"><input type="file" name="photos" accept="image/*" multiple aria-label="Photos"><button>Send</button></form>
<script>
const chat = ${person.id}, log = document.getElementById('log'), say = document.getElementById('say')
const send = (path, body) => fetch('/_telegram/chats/' + chat + path, { method: 'POST', body })
say.onsubmit = async (event) => { event.preventDefault(); await send('/messages', new FormData(say)); say.reset() }
log.onclick = ({ target }) => { if (target.name !== 'press') return; const body = new FormData(); body.set('message', target.dataset.message); body.set('data', target.dataset.value); void send('/presses', body) }
const start = document.getElementById('start')
if (start) start.onclick = () => { const body = new FormData(); body.set('text', '/start ' + start.dataset.code); start.remove(); void send('/messages', body) }
let shown = ''
setInterval(async () => { const text = await (await fetch('/_telegram/chats/' + chat + '/log')).text(); if (text !== shown) { shown = text; log.innerHTML = text; scrollTo(0, document.body.scrollHeight) } }, 1000)
</script>`
}
