/** The style sheet of the page: system fonts, two themes, three widths (desk, tablet, phone) and paper. */
import { DARK, LIGHT, themeProperties } from './palette.js';

const INK = { paper: '--ink-filter:invert(1)', screen: '--ink-filter:none' };

const THEMES = `
:root{color-scheme:light;${INK.paper};${themeProperties(LIGHT)}}
@media screen and (prefers-color-scheme:dark){:root:not([data-theme=light]){color-scheme:dark;${INK.screen};${themeProperties(DARK)}}}
@media screen{:root[data-theme=dark]{color-scheme:dark;${INK.screen};${themeProperties(DARK)}}}
`;

const PAGE = `
*,*::before,*::after{box-sizing:border-box}
:root{
  --sans:Inter,-apple-system,BlinkMacSystemFont,"Segoe UI",Roboto,"Helvetica Neue","Noto Sans","Liberation Sans",Arial,sans-serif;
  --serif:"Iowan Old Style","Palatino Linotype",Palatino,"Book Antiqua","Source Serif 4","Noto Serif",Charter,"Liberation Serif",Georgia,serif;
  --mono:ui-monospace,"SF Mono","Cascadia Mono",Menlo,Consolas,"Liberation Mono",monospace;
}
html{-webkit-text-size-adjust:100%;scroll-behavior:smooth}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.55 var(--sans);font-variant-numeric:tabular-nums;
  -webkit-font-smoothing:antialiased;text-rendering:optimizeLegibility}
.page{max-width:1160px;margin:0 auto;padding:0 28px 48px}
h1,h2,h3,p,dl,dd,ul,figure{margin:0;padding:0}
ul{list-style:none}
h1,h2{font-family:var(--serif);font-weight:600;letter-spacing:-.012em;text-wrap:balance}
h1{font-size:clamp(2rem,1.4rem + 2.6vw,3.1rem);line-height:1.1}
h2{font-size:1.6rem;line-height:1.2}
h3{font-size:.95rem;font-weight:600;line-height:1.35;overflow-wrap:anywhere}
a{color:inherit;text-decoration-color:var(--rule);text-underline-offset:.18em}
a:hover{text-decoration-color:currentColor}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:3px}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.masthead{display:flex;justify-content:space-between;align-items:center;gap:16px;padding:20px 0;border-bottom:1px solid var(--rule);
  color:var(--soft);font-size:.87rem}
.masthead strong{color:var(--ink);font-weight:650;letter-spacing:.01em}
.theme{font:inherit;color:inherit;background:none;border:1px solid var(--rule);border-radius:99px;padding:3px 12px;cursor:pointer}
.theme:hover{color:var(--ink);border-color:var(--soft)}
.opening{padding:52px 0 12px}
.overline{color:var(--soft);font-size:.87rem;margin-bottom:10px}
.lede{font:400 clamp(1.13rem,1rem + .55vw,1.38rem)/1.5 var(--serif);max-width:46em;margin-top:20px;text-wrap:pretty}
.lede strong{font-weight:600;color:var(--accent)}
.tiles{display:grid;grid-template-columns:repeat(4,1fr);margin-top:36px;border-top:1px solid var(--rule);border-bottom:1px solid var(--rule)}
.tiles>div{padding:16px 20px 18px;border-left:1px solid var(--rule)}
.tiles>div:first-child{padding-left:0;border-left:0}
.tiles dt{color:var(--soft);font-size:.87rem}
.tiles .value{font:400 2rem/1.25 var(--serif);font-variant-numeric:lining-nums tabular-nums;letter-spacing:-.01em;white-space:nowrap}
.tiles .note{color:var(--soft);font-size:.87rem}
section{padding-top:56px}
.intro{color:var(--soft);max-width:44em;margin:8px 0 20px;text-wrap:pretty}
.aside{color:var(--soft);font-size:.87rem;margin-top:14px;max-width:60em;text-wrap:pretty}
.panel{background:var(--surface);border:1px solid var(--rule);border-radius:10px;padding:16px 18px;min-width:0}
.panels{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,310px),1fr));gap:18px}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:18px}
.mark{width:14px;height:14px;vertical-align:-1.5px;margin-right:3px;overflow:visible;flex:none}
.mark path{fill:var(--c)}
.scroll{overflow-x:auto}
.key{display:flex;flex-wrap:wrap;gap:4px 20px;color:var(--soft);font-size:.87rem;margin:-6px 0 16px}
.key li{display:flex;align-items:center;gap:7px}
`;

const RESULTS = `
table{border-collapse:collapse;border-spacing:0}
th{font-weight:inherit;text-align:left}
.number{text-align:right;white-space:nowrap}
.results{width:100%;background:var(--surface);border:1px solid var(--rule);border-radius:10px;border-collapse:separate}
.results th,.results td{padding:11px 9px;vertical-align:top}
.results tr>:first-child{padding-left:18px}
.results tbody tr>:last-child,.results thead tr:last-child>:last-child{padding-right:18px}
.results thead th{color:var(--soft);font-size:.82rem;line-height:1.3;vertical-align:bottom;padding-top:12px;padding-bottom:9px}
.results thead tr:first-child .group{padding-bottom:0;text-align:right}
.results thead tr:first-child .group:last-child{padding-right:18px}
.results thead tr:last-child th{padding-top:2px}
.results thead tr:last-child>:first-child{padding-left:9px}
.results tbody tr>*{border-top:1px solid var(--rule)}
.results tbody th{white-space:nowrap}
.results .name{font-weight:600}
.results .method{color:var(--soft);font-size:.87rem;line-height:1.45;min-width:15em}
.results .file{display:block;font:.92em/1.5 var(--mono);overflow-wrap:anywhere}
.results .note{display:block;color:var(--soft);font-size:.82rem;line-height:1.4}
.results .chosen>*{background:var(--accent-wash)}
.results tbody tr:last-child>:first-child{border-bottom-left-radius:9px}
.results tbody tr:last-child>:last-child{border-bottom-right-radius:9px}
.badge{display:block;width:max-content;margin:4px 0 0 21px;border-radius:99px;background:var(--accent);color:var(--surface);
  font-size:.75rem;font-weight:600;line-height:1;padding:4px 9px 4px}
.bar{display:block;height:3px;margin-top:6px;border-radius:2px;background:var(--sunken);overflow:hidden}
.bar>span{display:block;height:100%;margin-left:auto;background:var(--c);border-radius:2px}
`;

const CHARTS = `
.chart svg:not(.mark){display:block;width:100%;height:auto;overflow:visible;font-family:var(--sans)}
.chart figcaption{display:flex;justify-content:space-between;align-items:baseline;gap:12px;margin-bottom:10px}
.chart figcaption p{color:var(--soft);font-size:.87rem;white-space:nowrap}
.scatter{container-type:inline-size}
.chart.scatter svg.narrow{display:none}
@container (max-width:430px){.chart.scatter svg.wide{display:none}.chart.scatter svg.narrow{display:block}}
svg text{fill:var(--ink);font-size:12px;font-variant-numeric:tabular-nums}
svg .tick,svg .caption{fill:var(--soft);font-size:11.5px}
svg .stage-name{fill:var(--soft);font-size:10px}
svg .grid{stroke:var(--rule);stroke-width:1;shape-rendering:crispEdges}
svg .axis{stroke:var(--soft);stroke-width:1;shape-rendering:crispEdges}
svg .band{fill:var(--soft);opacity:.085}
svg .dominated{fill:var(--accent);opacity:.06}
svg .front{fill:none;stroke:var(--accent);stroke-width:1.5;stroke-dasharray:5 4}
svg .leader{stroke:var(--soft);stroke-width:1}
svg .point{fill:var(--c);stroke:var(--surface);stroke-width:1.5}
svg .halo{fill:none;stroke:var(--accent);stroke-width:2}
svg .name{fill:var(--c);font-size:13px;font-weight:500;paint-order:stroke;stroke:var(--surface);stroke-width:4px;stroke-linejoin:round}
svg .name.chosen{font-weight:650}
svg .line{fill:none;stroke:var(--c);stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
svg .line.train{stroke-width:1.5;stroke-dasharray:1 4;opacity:.95}
svg .best{fill:var(--surface);stroke:var(--c);stroke-width:2}
svg .stage{fill:var(--sunken);opacity:.75}
svg .hit{fill:transparent}
svg .column:hover{fill:var(--ink);fill-opacity:.08}
.key svg{width:26px;height:10px}
.key svg .line{--c:var(--ink)}
.swatch{display:inline-block;width:14px;height:10px;border-radius:2px;--c:var(--ink)}
.kept{background:var(--c)}
.zero{background:color-mix(in srgb,var(--c) 26%,var(--surface))}
.removed{background:repeating-linear-gradient(135deg,var(--rule) 0 1px,transparent 1px 5px);box-shadow:inset 0 0 0 1px var(--rule)}
.layers ul{margin-top:10px;font-size:.87rem}
.layers li{display:grid;grid-template-columns:1fr auto 4.2em;gap:0 10px;padding:5px 0;line-height:1.4}
.layers .layer{overflow-wrap:anywhere}
.layers .figures{color:var(--soft)}
.layers .number{font-weight:600}
.layers .shares{grid-column:1/-1;display:flex;height:10px;margin-top:3px;border-radius:3px;overflow:hidden}
.layers .total{border-top:1px solid var(--rule);margin-top:6px;padding-top:8px}
`;

const ERRORS = `
.errors{display:grid;grid-template-columns:minmax(0,11fr) minmax(0,10fr);gap:18px;align-items:start}
.errors.many{grid-template-columns:minmax(0,1fr)}
.many .confusion{max-width:640px;margin-inline:auto}
.confusion{width:100%;table-layout:fixed;font-size:.82rem;margin-top:6px;border-collapse:separate;border-spacing:2px}
.confusion th,.confusion td{height:35px;padding:0;text-align:center;border-radius:3px}
.confusion tr>:first-child{width:58px}
.confusion tr>:last-child{width:46px}
.confusion thead th{height:24px}
.confusion .axis-name{color:var(--soft);font-style:italic}
.confusion .margin{color:var(--soft);font-size:.72rem;line-height:1.2}
.confusion .none{color:var(--rule)}
.confusion .right{background:rgb(var(--right-rgb)/var(--a))}
.confusion .wrong{background:rgb(var(--wrong-rgb)/var(--a));font-weight:600}
.confusion.dense{width:max-content;table-layout:auto}
.confusion.dense th,.confusion.dense td{height:22px;min-width:22px;padding:0 3px;font-size:.7rem}
.samples{display:grid;grid-template-columns:repeat(auto-fill,minmax(76px,1fr));gap:16px 12px;margin-top:14px}
.samples li{font-size:.87rem;line-height:1.35;text-align:center}
.samples .frame{display:block;margin-bottom:6px;border:1px solid var(--rule);border-radius:6px;overflow:hidden}
.samples img{display:block;width:100%;height:auto;aspect-ratio:1;object-fit:contain;background:#000;image-rendering:pixelated}
.samples .ink{filter:var(--ink-filter)}
.samples .truth{font-weight:600}
.samples .choice{color:var(--wrong);font-weight:600}
.samples .confidence{color:var(--soft);font-size:.78rem}
`;

const CLOSING = `
footer{margin-top:64px;padding-top:22px;border-top:1px solid var(--rule);color:var(--soft);font-size:.87rem}
footer dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,230px),1fr));gap:14px 28px}
footer dt{font-size:.82rem}
footer dd{color:var(--ink);overflow-wrap:anywhere}
footer .command{grid-column:1/-1}
code{font:.94em/1.5 var(--mono)}
footer code{display:block;margin-top:4px;padding:9px 13px;border:1px solid var(--rule);border-radius:7px;background:var(--surface);white-space:pre-wrap;overflow-wrap:anywhere}
#tip{position:fixed;z-index:9;top:0;left:0;max-width:260px;padding:7px 11px;border-radius:7px;background:var(--ink);color:var(--page);
  font-size:.82rem;line-height:1.45;white-space:pre-line;pointer-events:none;box-shadow:0 4px 18px rgb(0 0 0/.22)}
#tip[hidden]{display:none}
#tip::first-line{font-weight:650}
`;

const WIDTHS = `
@media screen and (max-width:980px){
  .errors{grid-template-columns:minmax(0,1fr)}
}
@media screen and (max-width:1020px){
  .results,.results tbody{display:block}
  .results{border:0;background:none}
  .results thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
  .results tbody{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,340px),1fr));gap:14px}
  .results tr{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:0 24px;align-content:start;padding:14px 18px;border:1px solid var(--rule);border-radius:10px;background:var(--surface)}
  .results tr.chosen{background:var(--accent-wash);border-color:var(--accent)}
  .results tbody tr>*,.results tbody tr>:first-child,.results tbody tr>:last-child{border:0;padding:0;background:none}
  .results tbody th,.results .method{grid-column:1/-1}
  .results tbody th{font-size:1rem}
  .results .badge{display:inline-block;margin:0 0 0 6px;vertical-align:1px}
  .results .method{padding-bottom:8px;min-width:0}
  .results .number{display:grid;grid-template-columns:1fr auto;gap:0 8px;align-content:start;border-top:1px solid var(--rule)!important;padding:6px 0!important}
  .results .number::before{content:attr(data-label);color:var(--soft);font-size:.82rem;line-height:1.7;text-align:left}
  .results .note,.results .bar{grid-column:1/-1}
  .results .bar{margin:3px 0 4px}
}
@media screen and (max-width:760px){
  .page{padding:0 16px 32px}
  .opening{padding-top:32px}
  .tiles{grid-template-columns:1fr 1fr}
  .tiles>div,.tiles>div:first-child{padding:12px 14px 14px}
  .tiles>div:nth-child(odd){border-left:0;padding-left:0}
  .tiles>div:nth-child(n+3){border-top:1px solid var(--rule)}
  .tiles .value{font-size:1.55rem}
  section{padding-top:44px}
  .panel{padding:13px 14px}
  .samples{grid-template-columns:repeat(auto-fill,minmax(66px,1fr));gap:14px 10px}
  .confusion{border-spacing:1px;font-size:.78rem}
  .confusion th,.confusion td{height:28px}
  .confusion tr>:first-child{width:30px}
  .confusion tr>:last-child{width:38px}
  .confusion tfoot{display:none}
}
@media print{
  @page{margin:14mm}
  html{font-size:11.5px}
  body{font-size:11.5px;background:#fff}
  *{-webkit-print-color-adjust:exact;print-color-adjust:exact}
  .page{max-width:none;padding:0}
  .theme,#tip{display:none}
  .opening{padding-top:20px}
  section{padding-top:26px}
  .panel{padding:11px 12px}
  .panel,.results tr,.tiles,.samples li{break-inside:avoid}
  h2,.intro{break-after:avoid}
  .results .file{display:none}
  .results th,.results td{padding:6px 5px}
  .results .method{min-width:10em}
  .panels{grid-template-columns:repeat(3,1fr);gap:10px}
  .pair{grid-template-columns:1fr 1fr}
  .samples{grid-template-columns:repeat(auto-fill,minmax(58px,1fr))}
}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
`;

/** All of it; nothing in it comes from outside. */
export const STYLE = [THEMES, PAGE, RESULTS, CHARTS, ERRORS, CLOSING, WIDTHS].join('').trim();
