/**
 * What is known of the servers that people have: names of the query that only prove a right or name a player, and
 * fields that do the same in a header.
 *
 * A name that could change the bytes (a version, a track, a container) is never in here. What `ignoreQuery` names opens
 * nothing any more: who can reach firstbyte is given what another's token has opened. So no preset is in force unless an
 * operator has chosen it.
 */

export interface Preset {
  readonly sentence: string;
  /** Shared over: whatever viewers bring under these names, they get the same bytes. */
  readonly ignoreQuery: readonly string[];
  /** Not shared over: each value has bytes of its own. */
  readonly keyHeaders: readonly string[];
}

export const presets = {
  plex: {
    sentence: 'Plex Media Server: parts of the library, as players fetch them directly.',
    ignoreQuery: [
      'X-Plex-Token',
      'X-Plex-Client-Identifier',
      'X-Plex-Session-Identifier',
      'X-Plex-Session-Id',
      'X-Plex-Playback-Session-Id',
      'X-Plex-Product',
      'X-Plex-Version',
      'X-Plex-Platform',
      'X-Plex-Platform-Version',
      'X-Plex-Device',
      'X-Plex-Device-Name',
      'X-Plex-Model',
      'X-Plex-Language',
    ],
    keyHeaders: ['x-plex-token'],
  },
  jellyfin: {
    sentence: 'Jellyfin: `/Videos/…/stream?static=true` and `/Items/…/Download`.',
    ignoreQuery: ['api_key', 'ApiKey', 'DeviceId', 'PlaySessionId'],
    keyHeaders: ['x-emby-authorization', 'x-emby-token', 'x-mediabrowser-token'],
  },
  emby: {
    sentence: 'Emby: the same as Jellyfin, with the names that its players add.',
    ignoreQuery: [
      'api_key',
      'DeviceId',
      'PlaySessionId',
      'X-Emby-Token',
      'X-Emby-Client',
      'X-Emby-Client-Version',
      'X-Emby-Device-Id',
      'X-Emby-Device-Name',
      'X-Emby-Language',
    ],
    keyHeaders: ['x-emby-authorization', 'x-emby-token', 'x-mediabrowser-token'],
  },
  's3-presigned': {
    sentence: 'Presigned URLs of S3 and what speaks its language, of CloudFront, and of Google Cloud Storage.',
    ignoreQuery: [
      'X-Amz-Algorithm',
      'X-Amz-Content-Sha256',
      'X-Amz-Credential',
      'X-Amz-Date',
      'X-Amz-Expires',
      'X-Amz-Security-Token',
      'X-Amz-Signature',
      'X-Amz-SignedHeaders',
      'AWSAccessKeyId',
      'Expires',
      'Key-Pair-Id',
      'Policy',
      'Signature',
      'GoogleAccessId',
      'X-Goog-Algorithm',
      'X-Goog-Credential',
      'X-Goog-Date',
      'X-Goog-Expires',
      'X-Goog-Signature',
      'X-Goog-SignedHeaders',
      'x-id',
    ],
    keyHeaders: [],
  },
  'google-drive': {
    sentence: 'Google Drive: `/drive/v3/files/ID?alt=media` and `/download?id=ID`.',
    ignoreQuery: [
      'access_token',
      'acknowledgeAbuse',
      'at',
      'authuser',
      'confirm',
      'key',
      'oauth_token',
      'prettyPrint',
      'quotaUser',
      'resourcekey',
      'supportsAllDrives',
      'userIp',
      'uuid',
    ],
    keyHeaders: [],
  },
} as const satisfies Record<string, Preset>;

export type PresetName = keyof typeof presets;

export const presetNames = Object.keys(presets) as PresetName[];
