// A form that is saved as it is written, and a page that looks again by itself. Without it each works by its buttons.
const form = document.querySelector("form[data-saves]");
const PAUSE = 3000;
const LONGEST = 15000;

if (form) {
  const line = document.getElementById("saved");
  const alike = document.getElementById("alike");
  let changedAt = 0;
  let changes = 0;
  let saved = 0;
  let timer = 0;
  let saving = false;
  let leaving = false;

  const written = () => {
    const body = new URLSearchParams(new FormData(form));
    body.set("save", "1");
    return body;
  };
  const say = (words) => {
    if (line.textContent !== words) line.textContent = words;
  };
  const failed = (status) => {
    if (status === 401 || status === 303) return "Not saved: you are signed out. Keep this page open. Sign in in another tab, and go on here.";
    if (status === 413) return "Not saved: this part is longer than can be kept. Keep this page open, and shorten it.";
    if (status === 429) return "Not saved: too much at once. It is tried again.";
    return "Not saved: Homeward does not answer. Keep this page open. It is tried again.";
  };
  const later = (pause) => {
    clearTimeout(timer);
    timer = setTimeout(save, pause);
  };

  async function save() {
    if (saving || leaving || saved === changes) return;
    saving = true;
    const upTo = changes;
    try {
      const answer = await fetch(form.action, {
        method: "POST", body: written(), credentials: "same-origin", redirect: "manual",
      });
      if (!answer.ok) {
        say(failed(answer.status || 303));
      } else {
        const { said, alike: html, reported } = await answer.json();
        saved = upTo;
        changedAt = 0;
        if (said) say(said);
        if (alike && html !== undefined && alike.innerHTML.trim() !== html.trim()) alike.innerHTML = html;
        if (reported) {
          const link = document.createElement("a");
          link.href = reported;
          link.className = "govuk-link";
          link.textContent = "See the report";
          line.append(". ", link);
        }
      }
    } catch {
      say(failed(0));
    } finally {
      saving = false;
      if (saved !== changes) later(LONGEST / 2);
    }
  }

  form.addEventListener("input", () => {
    changes += 1;
    changedAt ||= Date.now();
    later(Math.max(0, Math.min(PAUSE, changedAt + LONGEST - Date.now())));
  });
  form.addEventListener("submit", () => {
    leaving = true;
    clearTimeout(timer);
  });
  // Whoever comes back to the page by the browser's own button writes on.
  addEventListener("pageshow", () => { leaving = false; });
  addEventListener("pagehide", () => {
    if (leaving || saved === changes) return;
    fetch(form.action, { method: "POST", body: written(), credentials: "same-origin", keepalive: true }).catch(() => {});
  });
}

async function lookAgain() {
  const state = document.getElementById("state");
  const seconds = Number(state?.dataset.looksAgain);
  if (!seconds) return;
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  try {
    const address = new URL(location.href);
    address.searchParams.set("by_itself", "yes");
    const answer = await fetch(address, { credentials: "same-origin", redirect: "manual" });
    if (answer.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const now = page.getElementById("state");
      const heading = state.querySelector("h1")?.textContent;
      // Whoever reads or has moved to something in it is not disturbed while nothing has changed.
      if (now && now.textContent !== state.textContent) {
        state.innerHTML = now.innerHTML;
        document.title = page.title;
        const changed = state.querySelector("h1");
        if (changed && changed.textContent !== heading) {
          changed.tabIndex = -1;
          changed.focus();
        }
      }
      if (now) state.dataset.looksAgain = now.dataset.looksAgain ?? "";
    }
  } catch {
    // It looks again.
  }
  lookAgain();
}

lookAgain();
