// The board, kept as it is now without losing anybody's place: what did not change is not touched, what has the focus
// is not moved, what was opened stays open, and the row that somebody reads stays where it is on the screen.
const board = document.getElementById("board");
const state = document.getElementById("board-state");
const said = document.getElementById("board-said");
const SILENT_AFTER = 30_000;
const AGAIN_AFTER = 30_000;

let mark = board.dataset.mark;
let heard = Date.now();
let source = null;

function become(here, there) {
  if (here.isEqualNode(there)) return;
  if (here.nodeName !== there.nodeName) {
    here.replaceWith(there);
  } else if (here.nodeType === Node.TEXT_NODE) {
    here.data = there.data;
  } else {
    for (const { name } of [...here.attributes]) {
      const opened = here.nodeName === "DETAILS" && name === "open";
      if (!opened && !there.hasAttribute(name)) here.removeAttribute(name);
    }
    for (const { name, value } of there.attributes) {
      if (here.getAttribute(name) !== value) here.setAttribute(name, value);
    }
    const keyed = (one) => [...one.children].every((each) => each.id);
    if (there.children.length && keyed(there) && keyed(here)) order(here, there);
    else children(here, there);
  }
}

function children(here, there) {
  const [old, now] = [[...here.childNodes], [...there.childNodes]];
  now.forEach((one, place) => (place < old.length ? become(old[place], one) : here.append(one)));
  old.slice(now.length).forEach((one) => one.remove());
}

// Rows by their ids. To move what has the focus would take the focus from it: everything else moves around it.
function order(here, there) {
  const old = new Map([...here.children].map((one) => [one.id, one]));
  const wanted = [...there.children].map((one) => {
    const kept = old.get(one.id);
    if (!kept || kept.nodeName !== one.nodeName) return one;
    old.delete(one.id);
    become(kept, one);
    return kept;
  });
  old.forEach((one) => one.remove());
  const still = wanted.findIndex((one) => one.contains(document.activeElement));
  const inPlace = wanted.every((one, place) => here.children[place] === one);
  if (inPlace) return;
  if (still < 0) here.append(...wanted);
  else {
    wanted[still].before(...wanted.slice(0, still));
    here.append(...wanted.slice(still + 1));
  }
}

// What somebody looks at: the row with the focus, else the first whose beginning is on the screen.
function anchor() {
  const row = document.activeElement?.closest?.(".hw-row");
  if (row) return row;
  if (window.scrollY === 0) return null;
  return [...board.querySelectorAll(".hw-row")].find((one) => one.getBoundingClientRect().top >= 0) ?? null;
}

function show(html) {
  const there = board.cloneNode(false);
  there.innerHTML = html;
  const [held, focused] = [anchor(), document.activeElement];
  const top = held?.getBoundingClientRect().top;
  const before = board.querySelector("[data-said]")?.dataset.said;
  order(board, there);
  if (held?.isConnected) window.scrollBy({ top: held.getBoundingClientRect().top - top, behavior: "instant" });
  if (focused !== document.body && !focused?.isConnected) {
    document.getElementById("board-title")?.focus({ preventScroll: true });
  }
  const after = board.querySelector("[data-said]")?.dataset.said;
  if (after !== before) said.textContent = after;
}

function updated(time) {
  heard = Date.now();
  state.className = "";
  const clock = document.createElement("span");
  clock.id = "board-time";
  clock.textContent = time;
  state.replaceChildren("Updated ", clock);
}

function lost(why) {
  if (state.dataset.lost === why && state.className) return;
  state.dataset.lost = why;
  state.className = "hw-overdue";
  const again = document.createElement("a");
  again.href = location.href;
  again.className = "govuk-link";
  again.textContent = "Load it again";
  state.replaceChildren(`Not updating: ${why}. `, again);
  said.textContent = `Not updating: ${why}.`;
}

function listen() {
  const address = new URL(board.dataset.changes, location.href);
  address.searchParams.set("has", mark);
  source = new EventSource(address);
  source.addEventListener("board", (event) => {
    mark = event.lastEventId;
    show(event.data);
  });
  source.addEventListener("same", (event) => updated(event.data));
  source.addEventListener("away", (event) =>
    lost(event.data === "full" ? "too many boards are open" : "Homeward cannot reach its records")
  );
  source.addEventListener("ended", () => {
    // Whoever uses the machine next must not find the board: to sign in, and then back here.
    source.close();
    location.reload();
  });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) {
      lost("the connection was refused");
      setTimeout(listen, AGAIN_AFTER);
    } else lost("the connection is lost");
  });
}

setInterval(() => {
  if (Date.now() - heard > SILENT_AFTER) lost("the connection is lost");
}, 5000);
window.addEventListener("pagehide", () => source?.close());
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
listen();
