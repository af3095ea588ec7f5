# SPDX-License-Identifier: MIT
"""`python3 tests/replay [--count N] [--seed S]`"""
import sys,time
from pathlib import Path
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]
from verif import target
from verif.premises import constants
from guest import Guest, Machine
from replayer import Replayer
from compare import Mismatch
t = target.load(Path("build/hv8.elf"))
c = constants(t)
with Guest(Machine(), ["ps","true","ls","cat motd | wc", "halt"]) as g:
    r = Replayer(g, t, c, 500)
    t0=time.time()
    r.start()
    print('boot', time.time()-t0)
    try:
        t0=time.time()
        while r.calls < int(sys.argv[1]) and not r.has_ended:
            r.step()
    except Mismatch as m:
        print(m)
    finally:
        print(r.calls, r.others, (time.time()-t0)/max(1,r.calls+r.others))
        print(g.typist.text.decode()[-600:])
        print(r.cases.most_common(20))
