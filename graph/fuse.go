package graph

// fuse folds what follows a matmul into its epilogue: a scale, a bias, an activation, a residual. Each saves a dispatch and a pass over
// memory. A matmul takes them in the order in which its kernel applies them: alpha, bias, activation, residual.
func fuse(r *rewriter) {
	for changed := true; changed; {
		changed = false
		for _, c := range r.calls {
			if m, ok := c.Op.(matmul); ok && r.fuseOne(c, m) {
				changed = true
				break
			}
		}
	}
}

// fuseOne tries to fold one user of c's product into it.
func (r *rewriter) fuseOne(c *Call, m matmul) bool {
	y := c.Out[0]
	users := r.count()[y]
	if len(users) == 0 {
		return false
	}
	last := users[0]
	if m.Act == 0 && !m.Res {
		if u, ok := r.activationOf(y, users); ok {
			return r.fuseActivation(c, m, u, len(users) > 1)
		}
	}
	if len(users) != 1 || last == nil || last.grad != c.grad {
		return false
	}
	switch op := last.Op.(type) {
	case scale:
		if !m.Bias && m.Act == 0 && !m.Res {
			m.Alpha *= op.C
			return r.become(c, m, last, c.In...)
		}
	case addVec:
		if last.In[0] == y && !m.Bias && m.Act == 0 && !m.Res && len(y.Shape) == 2 {
			m.Bias = true
			return r.become(c, m, last, c.In[0], c.In[1], last.In[1])
		}
	case add:
		return r.fuseAdd(c, m, last, op)
	}
	return false
}

// activationOf finds the activation among the users of y: the only user, or the only one in the forward pass.
func (r *rewriter) activationOf(y *Node, users []*Call) (*Call, bool) {
	var found *Call
	for _, u := range users {
		if u == nil {
			return nil, false
		}
		if _, ok := u.Op.(activation); ok && u.grad == y.call.grad {
			if found != nil {
				return nil, false
			}
			found = u
		} else if !u.grad {
			return nil, false
		}
	}
	return found, found != nil
}

// fuseActivation makes c apply the activation of u. Where the backward pass wants the value before it, c writes that as well.
func (r *rewriter) fuseActivation(c *Call, m matmul, u *Call, pre bool) bool {
	m.Act, m.Pre = u.Op.(activation).F, pre
	n := r.call(c, m, c.In...)
	r.swap(c, n)
	r.drop(u)
	r.replace(u.Out[0], n.Out[0])
	if pre {
		r.replace(c.Out[0], n.Out[1])
	}
	return true
}

// fuseAdd makes c add the other operand of last = a + C b as a residual. It runs where last ran, since the other operand may come later.
func (r *rewriter) fuseAdd(c *Call, m matmul, last *Call, op add) bool {
	y := c.Out[0]
	if m.Res || last.In[0] == last.In[1] || y.LD != 0 {
		return false
	}
	other := last.In[0]
	if other == y {
		other = last.In[1]
		if op.C != 1 {
			return false
		}
	} else if op.C != 1 {
		if m.Bias || m.Act != 0 {
			return false
		}
		m.Alpha *= op.C
	}
	if m.Pre || other.LD != 0 || r.updatedBetween(c, last, c.In) {
		return false
	}
	m.Res = true
	n := r.call(c, m, append(append([]*Node(nil), c.In...), other)...)
	n.Block = last.Block
	r.drop(c)
	r.swap(last, n)
	r.replace(last.Out[0], n.Out[0])
	return true
}

// updatedBetween tells whether an update between a and b writes one of ns, whose reading then cannot move from one to the other.
func (r *rewriter) updatedBetween(a, b *Call, ns []*Node) bool {
	on := false
	for _, c := range r.calls {
		if c == a {
			on = true
		}
		if c == b {
			return false
		}
		for _, n := range ns {
			if on && writes(c, n) {
				return true
			}
		}
	}
	return false
}

// become replaces c by op m on the inputs, and its single user by nothing.
func (r *rewriter) become(c *Call, m matmul, user *Call, in ...*Node) bool {
	if r.late(c, in) || r.updatedBetween(c, user, in) {
		return false
	}
	n := r.call(c, m, in...)
	r.swap(c, n)
	r.drop(user)
	r.replace(user.Out[0], n.Out[0])
	return true
}

// late tells whether an input is made after c.
func (r *rewriter) late(c *Call, in []*Node) bool {
	for _, n := range in {
		if n.call != nil && !before(r.calls, n.call, c) {
			return true
		}
	}
	return false
}

func (r *rewriter) swap(old, new *Call) {
	for i, c := range r.calls {
		if c == old {
			r.calls[i] = new
		}
	}
	r.uses = nil
}

func (r *rewriter) drop(c *Call) {
	for i := range r.calls {
		if r.calls[i] == c {
			r.calls = append(r.calls[:i], r.calls[i+1:]...)
			break
		}
	}
	r.uses = nil
}
