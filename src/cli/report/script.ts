/**
 * The page is complete without a script; this one adds a switch for the theme, and tooltips that appear at once. It
 * takes the `<title>`s that browsers would show after a second, so that nothing is told twice.
 */
export const SCRIPT = `
(() => {
  const root = document.documentElement;
  const store = {
    get: () => { try { return localStorage.getItem('fettle-theme'); } catch { return null; } },
    set: (theme) => { try { localStorage.setItem('fettle-theme', theme); } catch { /* A file may have no storage. */ } },
  };
  const names = { auto: 'Automatic', light: 'Light', dark: 'Dark' };
  const order = Object.keys(names);
  const button = document.querySelector('.theme');
  const show = (theme) => {
    if (theme === 'auto') delete root.dataset.theme;
    else root.dataset.theme = theme;
    button.textContent = names[theme];
    button.setAttribute('aria-label', 'Colour theme: ' + names[theme]);
  };
  let theme = order.includes(store.get()) ? store.get() : 'auto';
  show(theme);
  button.hidden = false;
  button.addEventListener('click', () => {
    theme = order[(order.indexOf(theme) + 1) % order.length];
    store.set(theme);
    show(theme);
  });

  for (const title of document.querySelectorAll('svg .hit > title')) {
    title.parentNode.dataset.tip = title.textContent;
    title.remove();
  }
  const tip = document.createElement('div');
  tip.id = 'tip';
  tip.hidden = true;
  document.body.append(tip);
  document.addEventListener('pointermove', (event) => {
    const target = event.target.closest?.('[data-tip]');
    tip.hidden = !target;
    if (!target) return;
    tip.textContent = target.dataset.tip;
    const box = tip.getBoundingClientRect();
    const right = event.clientX + 14 + box.width < innerWidth - 8;
    const below = event.clientY + 16 + box.height < innerHeight - 8;
    const x = right ? event.clientX + 14 : event.clientX - 14 - box.width;
    const y = below ? event.clientY + 16 : event.clientY - 12 - box.height;
    tip.style.transform = 'translate(' + Math.max(8, x) + 'px,' + Math.max(8, y) + 'px)';
  });
  document.addEventListener('pointerleave', () => { tip.hidden = true; });
  document.addEventListener('scroll', () => { tip.hidden = true; }, { passive: true });
})();
`;
