/** A MovieLens set as GroupLens publishes it. */
export interface MovieLensSet {
  /** What people call it. */
  title: string;
  /** Millions of bytes of the archive, about. */
  megabytes: number;
  /** The published MD5 of the archive; undefined where the set changes, and its MD5 lies beside it. */
  md5?: string | undefined;
  /** The folder in the archive, and its file of ratings. */
  folder: string;
  ratings: string;
  /** The beginnings of the SHA-256 of the files that are read, where they are known: what is in the cache is checked by them. */
  files?: Readonly<Record<string, string>> | undefined;
}

/** Where GroupLens publishes them, as NAME.zip. */
const GROUPLENS = 'https://files.grouplens.org/datasets/movielens';

/** The sets that can be downloaded, by name. */
export const MOVIELENS = {
  'ml-100k': {
    title: 'MovieLens-100K',
    megabytes: 4.9,
    md5: '0e33842e24a9c977be4e0107933c0723',
    folder: 'ml-100k',
    ratings: 'u.data',
    files: {
      'u.data': '06416e597f82b7342361e41163890c81',
      'u.item': '553841ebc7de3a0fd0d6b62a204ea30c',
      'u1.base': 'ce253ec86c448b44fb3ba9a30d12dcfc',
      'u1.test': '18c6014a4b2c7324f250a63f8904a7b1',
      'u2.base': '6c06f0b5df4b256da1a994f3ac66edc8',
      'u2.test': '4de658d1e04ed9104629509a2e2528fc',
      'u3.base': 'afdc155c291c6edc41c0407e39d7462e',
      'u3.test': '0f548b51c78327de4c156461d3e430b7',
      'u4.base': '219f0f4d40dfe9c5141d425f53fa91ee',
      'u4.test': '7c02ad0a1e7ab1083c8b9d4b627203a0',
      'u5.base': 'a9574e59ce961eec2121627760b6e9b0',
      'u5.test': '351cc52e0d15b6c721466276fc24671d',
      'ua.base': '67b5bcdb380c29f85d56a012ecd88612',
      'ua.test': 'd0497e202417720f57a184ec8c66be2d',
      'ub.base': '237254d253b6ad7de84f919d04105542',
      'ub.test': 'd54a72d05730d5892062734b2bec73e9',
    },
  },
  'ml-1m': ofRatings('MovieLens-1M', 6, 'c4d9eecfca2ab87c1945afe126590906', 'ml-1m', 'ratings.dat'),
  'ml-10m': ofRatings('MovieLens-10M', 66, 'ce571fd55effeba0271552578f2648bd', 'ml-10M100K', 'ratings.dat'),
  'ml-20m': ofRatings('MovieLens-20M', 199, 'cd245b17a1ae2cc31bb14903e1204af3', 'ml-20m', 'ratings.csv'),
  'ml-25m': ofRatings('MovieLens-25M', 262, '6b51fb2759a8657d3bfcbfc42b592ada', 'ml-25m', 'ratings.csv'),
  'ml-32m': ofRatings('MovieLens-32M', 239, 'd472be332d4daa821edc399621853b57', 'ml-32m', 'ratings.csv'),
  'ml-latest-small': ofRatings('MovieLens Latest Small', 1, undefined, 'ml-latest-small', 'ratings.csv'),
} satisfies Record<string, MovieLensSet>;

/** A name of `MOVIELENS`. */
export type MovieLensName = keyof typeof MOVIELENS;

export const MOVIELENS_NAMES = Object.keys(MOVIELENS) as MovieLensName[];

/** Where the archive of a set is published. */
export const archiveOf = (name: MovieLensName): string => `${GROUPLENS}/${name}.zip`;

function ofRatings(title: string, megabytes: number, md5: string | undefined, folder: string, ratings: string): MovieLensSet {
  return { title, megabytes, md5, folder, ratings };
}
