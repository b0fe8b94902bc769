"""PyTorch: FOLDER VARIANT SECONDS. Variants: autograd, hand (hand-written gradient), and both with -cuda for a GPU.

Both share one table of users and items with the bias as last column, gather it once per batch and make a dense Adam step
with in-place operations on the whole table. The number of threads is the faster of 1 and all, tried before the clock starts.
On a GPU all arrays lie there, and losses are read back once in a chunk of steps.
"""
import json
import sys
import time

import torch


FEWEST_STEPS = 16
WARM_UP_SECONDS = 0.25


def read_work(folder, device):
    with open(f'{folder}/work.json', encoding='utf-8') as file:
        work = json.load(file)
    with open(f'{folder}/work.bin', 'rb') as file:
        data = bytearray(file.read())
    types = {'u32': torch.int32, 'f32': torch.float32, 'f64': torch.float64}
    for name, place in work.pop('arrays').items():
        work[name] = torch.frombuffer(data, dtype=types[place['type']], count=place['length'], offset=place['offset'])
    for name in ('initial', 'order', 'users', 'items', 'ratings', 'validUsers', 'validItems', 'validRatings'):
        work[name] = work[name].to(device)
    return work


class Rival:
    def __init__(self, work, variant):
        self.work = work
        self.chunk = min(64, max(4, 2 ** 18 // work['batchSize']))
        self.step = {'autograd': self.autograd_step, 'hand': self.hand_step}[variant]
        self.users, self.items = work['users'].long(), work['items'].long() + work['nUsers']
        self.lr, self.beta1 = work['lr'].tolist(), work['beta1'].tolist()
        self.epoch = -1

    def reset(self):
        stride = self.work['nFactors'] + 1
        self.p = self.work['initial'].clone().view(-1, stride)
        self.m, self.v, self.g = (torch.zeros_like(self.p) for _ in range(3))
        self.scratch = torch.empty_like(self.p)

    def batch(self, k):
        """Indices of users and items, and ratings, of batch k; an epoch is put in order at once."""
        size, per_epoch = self.work['batchSize'], self.work['stepsPerEpoch']
        if k // per_epoch != self.epoch:
            self.epoch = k // per_epoch
            rows = self.work['order'][self.epoch * per_epoch * size:(self.epoch + 1) * per_epoch * size].long()
            self.pairs = torch.stack((self.users[rows].view(per_epoch, size), self.items[rows].view(per_epoch, size)), 1).contiguous()
            self.y = self.work['ratings'][rows].view(per_epoch, size)
        return self.pairs[k % per_epoch], self.y[k % per_epoch]

    def hand_step(self, k):
        (pairs, y), n = self.batch(k), self.work['batchSize']
        lo, hi = self.work['yRange']
        rows = self.p.index_select(0, pairs.view(-1)).view(2, n, -1)
        products = rows[0] * rows[1]
        z = products[:, :-1].sum(1).add_(rows[0, :, -1]).add_(rows[1, :, -1])
        s = torch.sigmoid_(z)
        e = s.mul(hi - lo).add_(lo).sub_(y)
        dz = s.mul(1 - s).mul_(e).mul_(2 * (hi - lo) / n)
        rows[:, :, -1] = 1
        grad = rows.flip(0).mul_(dz.view(1, n, 1))
        self.g.index_add_(0, pairs.view(-1), grad.view(2 * n, -1))
        loss = e.square_().mean()
        self.adam(k, self.g)
        self.g.zero_()
        return loss

    def autograd_step(self, k):
        (pairs, y), n = self.batch(k), self.work['batchSize']
        lo, hi = self.work['yRange']
        p = self.p.requires_grad_()
        rows = torch.nn.functional.embedding(pairs, p)
        z = (rows[0, :, :-1] * rows[1, :, :-1]).sum(1) + rows[0, :, -1] + rows[1, :, -1]
        loss = torch.nn.functional.mse_loss(torch.sigmoid(z) * (hi - lo) + lo, y)
        grad, = torch.autograd.grad(loss, p)
        self.p = p.detach()
        self.adam(k, grad)
        return loss.detach()

    @torch.no_grad()
    def adam(self, k, grad):
        beta2, beta1, lr = self.work['beta2'], self.beta1[k], self.lr[k]
        self.m.lerp_(grad, 1 - beta1)
        self.v.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        torch.sqrt(self.v, out=self.scratch)
        # p -= lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps), numerator and denominator times sqrt(1 - beta2^t)
        root = (1 - beta2 ** (k + 1)) ** 0.5
        self.scratch.add_(self.work['eps'] * root)
        self.p.mul_(1 - lr * self.work['wd']).addcdiv_(self.m, self.scratch, value=-lr / (1 - beta1 ** (k + 1)) * root)

    def run(self, first, steps):
        return torch.stack([self.step(k) for k in range(first, first + steps)]).tolist()


def valid_mse(work, p):
    rows = lambda index: p.index_select(0, index)
    u, i = rows(work['validUsers'].long()), rows(work['validItems'].long() + work['nUsers'])
    lo, hi = work['yRange']
    z = (u[:, :-1] * i[:, :-1]).sum(1) + u[:, -1] + i[:, -1]
    return float(((lo + (hi - lo) * torch.sigmoid(z) - work['validRatings']).double() ** 2).mean())


def seconds_of(rival):
    """Of a chunk, after a warm-up."""
    best, begun = float('inf'), time.perf_counter()
    while time.perf_counter() - begun < WARM_UP_SECONDS:
        rival.reset()
        start = time.perf_counter()
        rival.run(0, min(rival.work['nSteps'], rival.chunk))
        best = min(best, time.perf_counter() - start)
    return best


def fastest_threads(rival):
    """The faster of one thread and as many as there are cores."""
    seconds = {}
    for threads in {1, torch.get_num_threads()}:
        torch.set_num_threads(threads)
        seconds[threads] = seconds_of(rival)
    return min(seconds, key=seconds.get)


def main():
    folder, variant, budget = sys.argv[1:4]
    variant, _, device = variant.partition('-')
    if device == 'cuda' and not torch.cuda.is_available():
        sys.exit('Error: PyTorch finds no CUDA device here')
    started = time.perf_counter()
    work = read_work(folder, device or 'cpu')
    rival = Rival(work, variant)
    rival.reset()
    rival.run(0, 2)
    start_seconds = time.perf_counter() - started
    if device == 'cuda':
        seconds_of(rival)
        place = torch.cuda.get_device_name()
    else:
        threads = fastest_threads(rival)
        torch.set_num_threads(threads)
        place = f'{threads} thread(s)'
    rival.reset()

    losses = []
    begun = time.perf_counter()
    while len(losses) < work['nSteps'] and (len(losses) < FEWEST_STEPS or time.perf_counter() - begun < float(budget)):
        losses += rival.run(len(losses), min(rival.chunk, work['nSteps'] - len(losses)))
    seconds = time.perf_counter() - begun
    mse = valid_mse(work, rival.p) if len(losses) == work['nSteps'] else None
    print(json.dumps({'device': f'PyTorch {torch.__version__}, {place}', 'nSteps': len(losses), 'seconds': seconds,
                      'startSeconds': start_seconds, 'mse': mse, 'losses': losses}))


main()
