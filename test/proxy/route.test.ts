import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { longestTarget, readHead, route } from '../../src/proxy/route.ts';

function statusOf(url: string): number | string {
  const routed = route(url);
  return routed.kind === 'rejection' ? routed.status : routed.kind;
}

describe('a route', () => {
  it('is an origin, and the rest of the target as it stands', () => {
    assert.deepEqual(route('/films/a%20b/c'), {
      kind: 'media',
      mount: 'films',
      origin: 'films',
      target: '/a%20b/c',
      path: '/a%20b/c',
    });
    assert.deepEqual(route('/films//a?token=x?y/../z'), {
      kind: 'media',
      mount: 'films',
      origin: 'films',
      target: '//a?token=x?y/../z',
      path: '//a',
    });
  });

  it('keeps any target byte for byte behind the name', () => {
    const segment = fc.stringMatching(/^[\w~!$&'()*+,:@-]{0,10}$/);
    fc.assert(
      fc.property(fc.array(segment), segment, (segments, query) => {
        const target = `/${segments.join('/')}?${query}`;
        const routed = route(`/films${target}`);
        assert.ok(routed.kind === 'media' && routed.target === target && routed.origin === 'films');
      }),
    );
  });

  it('leads to the control API for all that lies under /-/', () => {
    for (const url of ['/-', '/-/', '/-/api/v1/stats', '/-/../films', '/-?a=b']) {
      assert.equal(statusOf(url), 'control', url);
    }
    assert.equal(statusOf('/-a/b'), 'media');
  });

  it('of a bare name is a redirect to its root, within this host', () => {
    assert.deepEqual(route('/films?a=b'), { kind: 'redirect', location: '/films/?a=b' });
  });

  it('never leads to another host', () => {
    fc.assert(
      fc.property(fc.string(), (url) => {
        const routed = route(url);
        if (routed.kind === 'redirect') assert.match(routed.location, /^\/[^/\\]/);
        if (routed.kind === 'media') assert.match(routed.target, /^\//);
      }),
    );
  });

  it('loses the segments of its path that mean where they are, as rclone writes them before a name with a colon', () => {
    const targets = { './a:b': '/a:b', 'a/./b?./c': '/a/b?./c', '././a/././b': '/a/b', 'a/.': '/a/', '.': '/' };
    for (const [path, target] of Object.entries(targets)) {
      const routed = route(`/films/${path}`);
      assert.deepEqual(
        routed.kind === 'media' && [routed.target, routed.path],
        [target, target.replace(/\?.*/, '')],
        path,
      );
    }
  });

  it('is refused where the path could leave its origin', () => {
    const dots = ['..', './..', './../', 'a/..', '..;x', '.;x', '%2E', './%2e', '%2E.', '..%2f'];
    for (const path of [...dots, '%5c', '\\', '%00', '\x7f', '%1F']) {
      assert.equal(statusOf(`/films/${path}`), 400, path);
    }
    for (const url of ['/./films/a', '/././a', '/~/./a']) assert.equal(statusOf(url), 400, url);
    for (const path of ['...', '.a', 'a.', '..a', 'a;..', '%2525', '?..', '%80']) {
      assert.equal(statusOf(`/films/${path}`), 'media', path);
    }
  });

  it('is refused for what is no path, or names nothing', () => {
    assert.deepEqual(
      ['http://a/films/b', 'films/a', ''].map((url) => statusOf(url)),
      [400, 400, 400],
    );
    assert.deepEqual([statusOf('/'), statusOf('//films/a')], ['root', 404]);
  });

  it('may be 8 KiB long and no longer', () => {
    const url = '/films/'.padEnd(longestTarget, 'a');
    assert.deepEqual([statusOf(url), statusOf(`${url}a`)], ['media', 414]);
  });
});

/** The host that it names, or the status of its rejection. */
function headOf(httpVersion: string, hosts: readonly string[]): string | number | null {
  const head = readHead({ httpVersion, url: '/', fields: hosts.map((host) => ['host', host]) });
  return head.kind === 'head' ? head.host : head.status;
}

describe('a head', () => {
  it('has one host, or none in HTTP/1.0', () => {
    const judged = [headOf('1.1', ['nas']), headOf('1.0', ['nas']), headOf('1.0', [])];
    assert.deepEqual(judged, ['nas', 'nas', null]);
    for (const [version, hosts] of [
      ['1.1', []],
      ['1.1', ['a', 'a']],
      ['1.0', ['a', 'b']],
      ['1.1', ['']],
    ] as const) {
      assert.equal(headOf(version, hosts), 400);
    }
  });

  it('is of HTTP/1.1 or 1.0', () => {
    assert.deepEqual([headOf('0.9', []), headOf('2.0', ['nas'])], [400, 400]);
  });
});
