/** The page of firstbyte: takes the token out of the address, connects, and draws. */
import { render } from 'preact';
import './style/colours.css';
import './style/page.css';
import './style/parts.css';
import './parts/chart.css';
import './now/now.css';
import './first-byte/first-byte.css';
import './library/library.css';
import './origins/origins.css';
import './try-it/try-it.css';
import { takeToken } from './api/token.ts';
import { Page } from './page.tsx';
import { tellOfFills } from './state/fills.ts';
import { stayConnected } from './state/live.ts';
import { followAddress } from './state/route.ts';

// The token must be out of the address before the page reads its route.
const tokenGiven = takeToken();
followAddress();
tellOfFills();
void tokenGiven.then(stayConnected);
const place = document.getElementById('page');
if (place !== null) render(<Page />, place);
